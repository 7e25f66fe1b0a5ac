// What /api/history, /api/figures and /api/metrics say (docs/api.md). Moments (`*_at`, `at`) and
// durations (`*_s`) are seconds, in the PBX's clock.

import type { CallLeg, JudgedViolation, Label, Spell } from "../api/types";
import type { Direction, Level, Rule, SeatState } from "../model/types";

export interface CallLine {
  readonly pbx: string;
  readonly call: string;
  readonly direction: Direction;
  readonly queue: string | null;
  readonly visits: readonly string[];
  readonly caller: string | null;
  readonly started_at: number | null;
  readonly ended_at: number;
  readonly wait_s: number | null;
  readonly talk_s: number;
  readonly hold_s: number;
  readonly outcome: string;
  readonly gap: boolean;
  readonly seats: readonly string[];
  readonly agents: readonly string[];
  readonly rules: readonly string[];
  readonly order: string | null;
  readonly recordings: number;
}

/** A call that counts for a figure; `line` null: it goes on, or is not kept. */
export interface FigureCall {
  readonly pbx: string;
  readonly call: string;
  readonly line: CallLine | null;
}

export interface Visit {
  readonly pbx: string;
  readonly call: string;
  readonly queue: string;
  readonly caller: string | null;
  readonly joined_at: number;
  readonly left_at: number;
  readonly wait_s: number;
  readonly outcome: string;
  readonly seat: string | null;
  readonly agent: string | null;
  readonly limit_s: number;
  readonly short_s: number;
  readonly estimated: boolean;
  readonly gap: boolean;
}

export type StoryLeg = Omit<CallLeg, "recordings" | "order" | "holds"> & {
  readonly holds: readonly Spell[];
};

export interface WrapUp {
  readonly leg: string;
  readonly seat: string;
  readonly agent: string | null;
  readonly from_at: number;
  readonly to_at: number;
  readonly ended_by: string;
}

export interface AlertNote {
  readonly at: number;
  readonly by: string;
  readonly note: string;
}

export interface StoryAlert {
  readonly id: string;
  /** What is alerted on: one ring, one hold, one order. */
  readonly spell: string;
  readonly at: number;
  readonly level: Level | "cleared";
  readonly rule: Rule;
  readonly seat: string | null;
  readonly agent: string | null;
  readonly queue: string | null;
  readonly value_s: number | null;
  readonly limit_s: number | null;
  readonly notes: readonly AlertNote[];
}

export interface Gap {
  readonly pbx: string;
  readonly from_at: number;
  readonly to_at: number | null;
}

export interface StoryRecording {
  readonly id: string;
  readonly started_at: number;
  readonly ended_at: number | null;
}

export interface StoryContact {
  readonly order: string;
  readonly call: string;
  readonly leg: string;
  readonly kind: string;
  readonly at: number;
}

/** Everything that is kept of a call. `line` null: it goes on, or only its parts are kept. */
export interface Story {
  readonly line: CallLine | null;
  readonly visits: readonly Visit[];
  readonly legs: readonly StoryLeg[];
  readonly wrap_ups: readonly WrapUp[];
  readonly alerts: readonly StoryAlert[];
  readonly violations: readonly JudgedViolation[];
  readonly contacts: readonly StoryContact[];
  readonly order: string | null;
  readonly recordings: readonly StoryRecording[];
  readonly gaps: readonly Gap[];
  readonly held: boolean;
  /** Only the own part is shown. */
  readonly own: boolean;
}

/** A seat was in one state. `state` null: not heard; `to_at` null: it goes on. */
export interface SeatSpan {
  readonly pbx: string;
  readonly seat: string;
  readonly agent: string | null;
  readonly state: SeatState | null;
  readonly pause_reason: string | null;
  readonly queues: readonly string[];
  readonly from_at: number;
  readonly to_at: number | null;
}

export interface Spans {
  readonly items: readonly SeatSpan[];
  readonly gaps: readonly Gap[];
}

/** Stays in a queue that began within one quarter of an hour. */
export interface Quarter {
  readonly at: number;
  readonly offered: number;
  readonly answered: number;
  readonly within_limit: number;
  readonly abandoned: number;
  readonly short_abandons: number;
  readonly let_go: number;
  readonly moved: number;
  readonly unknown: number;
  /** Of the answered together. */
  readonly wait_s: number;
  readonly longest_s: number;
  readonly estimated: number;
  readonly gap: boolean;
}

/** Quarters without a stay are left out. */
export interface QueueDay {
  readonly queue: string;
  readonly from_at: number;
  readonly to_at: number;
  readonly quarters: readonly Quarter[];
  readonly gaps: readonly Gap[];
}

export type Unit = "count" | "share" | "seconds" | "per_hour";

/** A row of the metrics' table: `num` and `den` are named sums, "-" before one takes it away. */
export interface Metric {
  readonly key: string;
  readonly name: Label;
  readonly formula: Label;
  readonly example: Label;
  readonly left_out: Label | null;
  readonly unit: Unit;
  readonly kinds: readonly string[];
  readonly num: readonly string[];
  readonly den: readonly string[];
  readonly source: string;
}

/** Sums of one quarter of an hour by name; times are named `_s`. */
export interface IntervalRow {
  readonly at: number;
  readonly gap: boolean;
  readonly [sum: string]: number | boolean;
}

export interface Intervals {
  readonly step_s: number;
  readonly as_of_at: number;
  readonly rows: readonly IntervalRow[];
}
