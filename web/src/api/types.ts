// What the REST API says (docs/api.md): agentd/core/order_model.py and agentd/ports/desk.py in
// JSON. Moments (`*_at`, `at`) and durations (`*_s`) are seconds; moments of orders, violations and
// calls are in the PBX's clock.

import type { Rule, SeatState } from "../model/types";
import type { Order } from "./orders";

export * from "./orders";

export const ROLES = [
  "agent",
  "shift_leader",
  "supervisor",
  "qa",
  "manager",
  "admin",
  "auditor",
] as const;
export type Role = (typeof ROLES)[number];

export type Right =
  | "board"
  | "desk"
  | "orders.read"
  | "orders.lead"
  | "orders.export"
  | "recordings"
  | "violations.read"
  | "appeals.decide"
  | "shift"
  | "people"
  | "audit"
  | "control.listen"
  | "control.seats"
  | "control.calls"
  | "message";

/** In both languages. */
export interface Label {
  readonly zh: string;
  readonly en: string;
}

export interface MySeat {
  readonly pbx: string;
  readonly seat: string;
  readonly label: string;
  readonly since_at: number;
  readonly state: SeatState;
  readonly ready: boolean;
  readonly pause_reason: string | null;
  /** agentd changes the queue membership here; else the person does, by the phone. */
  readonly drives: boolean;
  /** agentd places calls from here; else the page offers a tel: link. */
  readonly dials: boolean;
  readonly reachable: boolean;
  readonly rang_at: number | null;
}

export interface Me {
  readonly login: string;
  readonly name: string;
  readonly role: Role;
  readonly queues: readonly string[];
  readonly teams: readonly string[];
  readonly rights: readonly Right[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly seat: MySeat | null;
}

export interface SeatView {
  readonly pbx: string;
  readonly seat: string;
  readonly label: string;
  readonly group: string | null;
  readonly state: SeatState;
  /** Login of who is signed in there. */
  readonly signed_in: string | null;
  /** Name of who sits there by the board, so also by the queue's word alone. */
  readonly agent: string | null;
  readonly reachable: boolean;
  /** When the phone was last seen to ring. */
  readonly rang_at: number | null;
}

export interface Fault {
  readonly id: string;
  readonly pbx: string;
  readonly seat: string;
  readonly by: string;
  readonly at: number;
  readonly text: string;
  readonly done_by: string | null;
  readonly done_at: number | null;
}

// --- the form --------------------------------------------------------------------------------

export type FieldKind = "text" | "choice" | "place" | "phone" | "date";

export interface FieldSpec {
  readonly key: string;
  readonly label: Label;
  readonly kind: FieldKind;
  readonly required: boolean;
  readonly choices: readonly string[];
  readonly max_chars: number;
  readonly in_title: boolean;
}

export interface CategorySpec {
  readonly key: string;
  readonly label: Label;
  readonly hotkey: string;
  readonly fields: readonly FieldSpec[];
  readonly needs_reply: boolean;
  readonly forward: boolean;
  readonly owner: string;
  readonly director: string;
}

/** 承办单位. */
export interface Unit {
  readonly key: string;
  readonly label: Label;
  readonly contact: string;
  readonly phone: string;
  readonly due_days: number;
}

export interface PauseReason {
  readonly key: string;
  readonly label: Label;
  readonly kind: "rest" | "work" | "training";
}

export interface Phrase {
  readonly key: string;
  readonly situation: string;
  readonly title: string;
  /** May name `{login}` and `{queue}`. */
  readonly text: string;
  /** Only for these queues; none: for all. */
  readonly queues: readonly string[];
  /** A closing only for this category; "": for all. */
  readonly category: string;
}

export const EXCEPTIONS = ["silent_call", "bad_line", "wrong_number", "harassment"] as const;
export type ExceptionKind = (typeof EXCEPTIONS)[number];

/** When orders of a queue and a seat group ("": all others) are due; seconds after the call. */
export interface OrderClock {
  readonly pbx: string;
  readonly queue: string;
  readonly group: string;
  readonly due_s: number;
  readonly missed_due_s: number;
  /** Reminders, ascending; a missed call has none. */
  readonly remind_s: readonly number[];
}

export interface Form {
  /** By queue; "" for all queues that have none of their own. */
  readonly categories: Readonly<Record<string, readonly CategorySpec[]>>;
  readonly units: readonly Unit[];
  readonly pauses: readonly PauseReason[];
  readonly exceptions: readonly ExceptionKind[];
  readonly phrases: Readonly<Record<"zh" | "en", readonly Phrase[]>>;
  readonly forbidden_words: Readonly<Record<"zh" | "en", readonly string[]>>;
  readonly polite_words: Readonly<Record<"zh" | "en", readonly string[]>>;
  readonly teams: readonly string[];
  /** The city's platform holds the form: only its number is required. */
  readonly external: boolean;
  readonly appeal_days: number;
  readonly call_back_within_s: number;
  readonly urgent_repeat_s: number;
  /** Of the working calendar: local time minus UTC. */
  readonly utc_offset_s: number;
  /** When a day begins, after local midnight. */
  readonly day_starts_s: number;
  readonly order_clocks: readonly OrderClock[];
}

// --- calls, violations -----------------------------------------------------------------------

export interface Spell {
  readonly kind: "hold" | "consult" | "park";
  readonly at: number | null;
  readonly seconds_s: number | null;
}

export interface Recording {
  readonly id: string;
  readonly started_at: number;
  readonly ended_at: number | null;
}

/** One seat's part of one call, over and judged. */
export interface CallLeg {
  readonly pbx: string;
  readonly call: string;
  readonly leg: string;
  readonly seat: string;
  readonly agent: string | null;
  readonly queue: string | null;
  readonly direction: "inbound" | "outbound" | "internal";
  readonly caller: string | null;
  readonly offered_at: number | null;
  readonly ringing_at: number | null;
  readonly answered_at: number | null;
  readonly ended_at: number;
  readonly ring_s: number | null;
  readonly talk_s: number | null;
  readonly hold_s: number;
  readonly holds: readonly Spell[];
  readonly outcome: string;
  readonly ended_by: string | null;
  readonly estimated: boolean;
  readonly gap: boolean;
  readonly evidence: readonly string[];
  readonly recordings: readonly Recording[];
  /** Id of the call's order. */
  readonly order: string | null;
}

export interface Figures {
  readonly answered: number;
  readonly outbound: number;
  readonly talk_s: number;
  readonly hold_s: number;
  readonly aht_s: number | null;
  readonly within_rings: number;
  readonly within_rings_of: number;
  readonly violations: number;
  readonly appeals_pending: number;
  readonly orders_owed: number;
  readonly since_at: number;
}

export interface Violation {
  readonly pbx: string;
  readonly id: string;
  readonly at: number;
  readonly rule: Rule;
  readonly seat: string | null;
  readonly agent: string | null;
  readonly call: string | null;
  readonly leg: string | null;
  readonly value_s: number | null;
  readonly limit_s: number | null;
  readonly evidence: readonly string[];
}

export interface Appeal {
  readonly id: string;
  readonly violation: string;
  readonly by: string;
  readonly at: number;
  readonly reason: string;
  readonly kind: "appeal" | "exception" | "incident";
  readonly exception: ExceptionKind | null;
  readonly status: "pending" | "granted" | "refused";
  readonly decided_by: string | null;
  readonly decided_at: number | null;
  readonly decision: string;
  readonly batch: string | null;
}

/** A violation with what became of it; not `standing`: an appeal was granted. */
export interface JudgedViolation {
  readonly violation: Violation;
  readonly owner: string | null;
  readonly appeals: readonly Appeal[];
  readonly standing: boolean;
  readonly order: string | null;
  readonly queue: string | null;
  readonly team: string | null;
}

// --- the shift -------------------------------------------------------------------------------

export interface Duty {
  readonly id: string;
  readonly team: string;
  readonly login: string;
  readonly role: "leader" | "deputy";
  readonly from_at: number;
  readonly to_at: number;
  readonly note: string;
}

export interface Handover {
  readonly id: string;
  readonly team: string;
  readonly by: string;
  readonly at: number;
  readonly log: string;
  readonly open_orders: readonly string[];
  readonly to: string | null;
  readonly confirmed_by: string | null;
  readonly confirmed_at: number | null;
}

export interface PersonName {
  readonly login: string;
  readonly name: string;
}

export interface Inbox {
  readonly urgent: readonly Order[];
  readonly forwarded: readonly Order[];
  readonly overdue: readonly Order[];
  readonly missed: readonly Order[];
  readonly returned_late: readonly Order[];
  readonly appeals: readonly JudgedViolation[];
  readonly on_duty: {
    readonly leaders: readonly PersonName[];
    readonly deputies: readonly PersonName[];
  };
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}
