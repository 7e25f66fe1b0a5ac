// The board as docs/live-stream.md describes it. Times are seconds since the epoch; those of states
// are in the PBX's clock.

export const STRENGTHS = ["calm", "warning", "breach", "urgent"] as const;
export type Strength = (typeof STRENGTHS)[number];

export const SEAT_STATES = [
  "available",
  "offered",
  "ringing",
  "talking",
  "holding",
  "wrap_up",
  "paused",
  "unreachable",
  "logged_out",
] as const;
export type SeatState = (typeof SEAT_STATES)[number];

export const RULES = [
  "ring",
  "hold",
  "hold_sum",
  "consult",
  "park",
  "hangup_order",
  "work_order",
  "urgent",
] as const;
export type Rule = (typeof RULES)[number];

export const LEVELS = ["warning", "breach", "escalation"] as const;
export type Level = (typeof LEVELS)[number];

export const LINKS = ["up", "syncing", "down"] as const;
export type Link = (typeof LINKS)[number];

export const DIRECTIONS = ["inbound", "outbound", "internal"] as const;
export type Direction = (typeof DIRECTIONS)[number];

export interface Warning {
  readonly code: string;
  readonly text: string;
}

/** The PBX's clock was set: `at` by the new clock; `seconds` is negative when it was set back. */
export interface ClockStep {
  readonly at: number;
  readonly seconds: number;
}

export interface Pbx {
  readonly kind: "pbx";
  readonly id: string;
  readonly link: Link;
  readonly since: number | null;
  readonly reason: string | null;
  readonly code: string | null;
  readonly last_event_at: number | null;
  readonly clock_offset_s: number;
  /** The last time that its clock was set while agentd ran. */
  readonly clock_step: ClockStep | null;
  readonly version: string | null;
  readonly warnings: readonly Warning[];
}

export interface Waiting {
  readonly call: string;
  readonly caller: string | null;
  readonly joined_at: number;
}

export interface Queue {
  readonly kind: "queue";
  readonly pbx: string;
  readonly name: string;
  readonly label: string;
  /** Oldest first. */
  readonly waiting: readonly Waiting[];
  readonly offered: number;
  readonly answered: number;
  readonly abandoned: number;
  readonly short_abandons: number;
  readonly let_go: number;
  /** 0..1, or null while there is nothing to divide by. */
  readonly service_level: number | null;
  readonly service_level_name: string;
  readonly service_level_s: number | null;
  readonly wait_warn_s: number | null;
  readonly wait_max_s: number | null;
  readonly counted_since: number | null;
  readonly gap: boolean;
}

export interface SeatClock {
  readonly rule: "ring" | "hold" | "consult" | "park";
  readonly from: number;
  readonly warn_at: number | null;
  readonly breach_at: number | null;
  readonly ring_cycle_s: number | null;
  /** The link was lost meanwhile: what happened since is unknown. */
  readonly stopped: boolean;
}

export interface Owed {
  readonly id: string;
  readonly due_at: number | null;
}

export interface Seat {
  readonly kind: "seat";
  readonly pbx: string;
  readonly seat: string;
  readonly label: string;
  readonly group: string;
  readonly place: number | null;
  readonly agent: string | null;
  /** Login of the account that this is. */
  readonly person: string | null;
  readonly state: SeatState;
  readonly since: number | null;
  readonly queues: readonly string[];
  readonly pause_reason: string | null;
  readonly call: string | null;
  readonly caller: string | null;
  readonly queue: string | null;
  readonly direction: Direction | null;
  readonly clock: SeatClock | null;
  /** Those with a due time first, the nearest first. */
  readonly owed: readonly Owed[];
  readonly trouble: Strength;
  readonly gap: boolean;
}

export interface Alert {
  readonly kind: "alert";
  readonly id: string;
  readonly pbx: string | null;
  readonly at: number;
  readonly level: Level;
  readonly rule: Rule;
  readonly seat: string | null;
  readonly agent: string | null;
  readonly person: string | null;
  readonly call: string | null;
  readonly queue: string | null;
  readonly to: readonly string[];
  readonly value: number | null;
  readonly limit: number | null;
  readonly cleared_at: number | null;
}

/** A figure of the metrics' table. */
export interface Figure {
  /** Null: there is nothing to divide by. */
  readonly value: number | null;
  readonly num: number | null;
  readonly den: number | null;
  /** It spans a gap in the feed. */
  readonly gap: boolean;
  readonly estimated: number;
}

/** Figures of one scope, by window (`today`, `today@yesterday` …) and metric. */
export interface Figures {
  readonly kind: "figures";
  readonly windows: ReadonlyMap<string, ReadonlyMap<string, Figure>>;
}

/** What made a surge. */
export const MEASURES = ["waiting", "longest_wait", "service_level"] as const;
export type Measure = (typeof MEASURES)[number];

/** A queue's surge (话务预警). */
export interface Surge {
  readonly kind: "surge";
  readonly pbx: string;
  readonly name: string;
  /** 0 (over) to 3. */
  readonly level: number;
  readonly since: number | null;
  readonly reached: readonly Measure[];
  /** The queue's warnings are to be shown as one with it. */
  readonly folds: boolean;
}

export type BoardObject = Pbx | Queue | Seat | Alert | Figures | Surge;

export interface Hello {
  readonly type: "hello";
  readonly protocol: number;
  readonly version: string;
  readonly lang: string;
}

export interface Snapshot {
  readonly type: "snapshot";
  readonly seq: number;
  readonly server_time: number;
  readonly board: ReadonlyMap<string, BoardObject>;
  /** Objects that could not be read and were left out. */
  readonly unread: number;
}

/** A long queue that has changed: all of it but who waits, and who came and went. */
export interface QueuePatch {
  readonly queue: Queue;
  readonly gone: readonly string[];
  readonly came: readonly Waiting[];
}

export interface Delta {
  readonly type: "delta";
  readonly seq: number;
  readonly server_time: number;
  readonly set: ReadonlyMap<string, BoardObject>;
  readonly patch: ReadonlyMap<string, QueuePatch>;
  readonly del: readonly string[];
  readonly unread: number;
}

export interface Beat {
  readonly type: "beat";
  readonly seq: number;
  readonly server_time: number;
}

/** Of these something changed: ask again. */
export interface Hint {
  readonly type: "hint";
  readonly topics: readonly string[];
}

/** A message of a kind that this page does not know. */
export interface Other {
  readonly type: "other";
}

export type Message = Hello | Snapshot | Delta | Beat | Hint | Other;
