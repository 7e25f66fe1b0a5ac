// A queue's figures as a wall shows them.

import { shown } from "../board/figures";
import { strengthOf } from "../board/thresholds";
import { store } from "../live/store";
import { duration } from "../model/format";
import { against, longestWait } from "../model/rules";
import type { Queue, Strength } from "../model/types";
import { access } from "./access";
import { options } from "./turn";
import { wallWords } from "./words";

export interface Shown {
  readonly text: string;
  readonly strength: Strength;
  /** It spans a gap. */
  readonly gap: boolean;
}

/** A figure of the period that is shown; what the queue itself counts where agentd has none. */
export function figure(
  queue: Queue,
  key: "service_level" | "abandoned" | "answered" | "offered",
): Shown {
  const windows = store.figures(`queue/${queue.pbx}/${queue.name}`)?.windows;
  const found = windows?.get(options.value.period)?.get(key);
  const value = found === undefined ? queue[key] : found.value;
  const limits = access.value.is === "in" ? access.value.info.thresholds[key] : undefined;
  return {
    text: value === null ? wallWords.value.absent : shown(key, value),
    strength: strengthOf(value, limits),
    gap: found === undefined ? queue.gap : found.gap,
  };
}

/** Over which time the figures of this queue are. */
export function periodOf(queue: Queue): keyof typeof wallWords.value.period {
  const { period } = options.value;
  const figures = store.figures(`queue/${queue.pbx}/${queue.name}`);
  return figures?.windows.has(period) ? period : "counted";
}

/** How long the oldest caller has waited, ticking. */
export function longest(queue: Queue): Shown {
  const now = store.second(queue.pbx).value;
  const waits = now === null ? null : longestWait(queue, now);
  return {
    text: waits === null ? wallWords.value.absent : duration(waits),
    strength: waits === null ? "calm" : against(waits, queue.wait_warn_s, queue.wait_max_s),
    gap: false,
  };
}
