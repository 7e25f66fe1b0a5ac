// What people set for the board together: kept by agentd under a key, with a version, so that two
// who change it at once hear of each other.

import { type Signal, signal } from "@preact/signals";
import { type Answer, api, type Problem } from "../api/client";
import type { Role } from "../api/types";
import { me } from "../live/session";
import { store } from "../live/store";
import { type Plan, readPlan, writePlan } from "./plan";
import { readThresholds, type Thresholds, writeThresholds } from "./thresholds";
import type { Setting } from "./types";

export interface Kept<T> {
  readonly value: T;
  /** 0: nothing is kept yet. */
  readonly version: number;
  /** False: this agentd keeps no settings. */
  readonly may: boolean;
}

/** Who may change what everybody sees. */
const SETTERS: ReadonlySet<Role> = new Set<Role>(["supervisor", "admin"]);

/** Whether whoever looks may change a setting that agentd keeps. */
export function maySet(setting: { readonly kept: Signal<Kept<unknown>> }): boolean {
  const who = me.value;
  return who !== null && SETTERS.has(who.role) && setting.kept.value.may;
}

/** The version that an ETag (`"v3"`) names; null: none that we know. */
function versionOf(etag: string | null): number | null {
  const found = /^(?:W\/)?"v?(\d+)"$/.exec(etag ?? "");
  return found === null ? null : Number(found[1]);
}

export class BoardSetting<T> {
  readonly kept: Signal<Kept<T>>;
  readonly #key: string;
  readonly #read: (value: unknown) => T;
  readonly #write: (value: T) => unknown;

  constructor(key: string, read: (value: unknown) => T, write: (value: T) => unknown) {
    this.#key = key;
    this.#read = read;
    this.#write = write;
    this.kept = signal({ value: read(null), version: 0, may: false });
  }

  async load(): Promise<void> {
    const answer = await api<Setting<unknown>>(`board/settings/${this.#key}`);
    if (answer.ok) this.#take(answer.value, answer.etag);
  }

  /** Keep `value`; the problem when it was refused (412, 409: somebody else was quicker). */
  async save(value: T): Promise<Problem | null> {
    const answer: Answer<Setting<unknown>> = await api<Setting<unknown>>(
      `board/settings/${this.#key}`,
      { method: "PUT", body: { value: this.#write(value) }, version: this.kept.peek().version },
    );
    if (!answer.ok) {
      if (answer.problem.status === 412 || answer.problem.status === 409) await this.load();
      return answer.problem;
    }
    this.#take(answer.value, answer.etag);
    return null;
  }

  #take(said: Setting<unknown>, etag: string | null): void {
    const version = typeof said?.version === "number" ? said.version : (versionOf(etag) ?? 0);
    this.kept.value = { value: this.#read(said?.value ?? null), version, may: true };
  }
}

export const floorPlan = new BoardSetting<Plan>("floor_plan", readPlan, writePlan);
export const thresholds = new BoardSetting<Thresholds>(
  "thresholds",
  readThresholds,
  writeThresholds,
);

/** Load all settings, and again whenever agentd says that one has changed. */
export function followSettings(): void {
  const load = () => {
    void floorPlan.load();
    void thresholds.load();
  };
  store.onNews((topics) => {
    if (topics === null || topics.includes("board")) load();
  });
}
