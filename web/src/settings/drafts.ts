// The settings of this page.

import { computed } from "@preact/signals";
import { unitOf } from "../board/figures";
import { me } from "../live/session";
import { store } from "../live/store";
import { Draft } from "./draft";
import {
  readSurgeFields,
  readThresholdFields,
  readWallFields,
  surgeFields,
  surgeQueues,
  thresholdFields,
  wallFields,
} from "./values";

/** Figures that can take colour, in the order of the page. */
export const METRICS = [
  "service_level",
  "connect_rate",
  "within_rings",
  "asa",
  "abandoned",
  "aht",
] as const;

/** Shares are written as percentages. */
export function scaleOf(key: string): number {
  return unitOf(key) === "share" ? 100 : 1;
}

const scales = () => Object.fromEntries(METRICS.map((key) => [key, scaleOf(key)]));

export const thresholds = new Draft(
  "thresholds",
  (value) => thresholdFields(value, scales()),
  (fields, before) => readThresholdFields(fields, scales(), before),
);

export const surge = new Draft("surge", withQueues, (fields) =>
  readSurgeFields(fields, ownQueues(fields)),
);

export const wall = new Draft("wall", wallFields, readWallFields);

export const drafts = [thresholds, surge, wall] as const;

/** The field that holds which queues have limits of their own. */
export const QUEUES = "queues";

function withQueues(value: unknown) {
  return { ...surgeFields(value), [QUEUES]: surgeQueues(value).join("\n") };
}

/** The queues that have limits of their own. */
export function ownQueues(fields: Readonly<Record<string, string>>): readonly string[] {
  return (fields[QUEUES] ?? "").split("\n").filter((name) => name !== "");
}

/** Whether this person may change anything here. */
export function maySet(): boolean {
  const role = me.value?.role;
  return role === "supervisor" || role === "admin";
}

/** The queues on the board, by name, each once. */
export const queues = computed(() => {
  const found = new Map<string, string>();
  for (const key of store.queueKeys.value) {
    const queue = store.queue(key);
    if (queue !== undefined) found.set(queue.name, queue.label);
  }
  return found;
});

/** Load all, and again whenever somebody has changed one; called once. */
export function followDrafts(): void {
  const load = () => {
    for (const draft of drafts) void draft.load();
  };
  store.onNews((topics) => {
    if (topics === null || topics.includes("board")) load();
  });
  load();
}
