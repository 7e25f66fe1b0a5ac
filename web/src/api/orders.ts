// Work orders as the REST API says them (agentd/core/order_model.py in JSON). Moments are seconds of
// the PBX's clock.

import type { ExceptionKind } from "./types";

export const ORDER_STATES = [
  "open",
  "completed",
  "forwarded",
  "dispatched",
  "answered",
  "told",
  "closed",
  "revisited",
  "returned",
  "merged",
] as const;
export type OrderState = (typeof ORDER_STATES)[number];

export const REPLY_MODES = ["direct", "three_way", "delayed"] as const;
export type ReplyMode = (typeof REPLY_MODES)[number];

export interface ContactNumber {
  readonly number: string;
  readonly norm: string;
  readonly label: string;
}

export interface Reply {
  readonly mode: ReplyMode;
  readonly content: string;
  readonly basis: string;
  readonly passed_on: boolean;
}

export interface Note {
  readonly at: number;
  readonly by: string;
  readonly text: string;
}

export type ContactKind = "call_back" | "attempt" | "called_again" | "three_way" | "missed_again";

export interface Contact {
  readonly call: string;
  readonly leg: string;
  readonly kind: ContactKind;
  readonly at: number;
  readonly number: string | null;
  readonly by: string | null;
  readonly talk_s: number | null;
  readonly in_time: boolean | null;
}

export interface Told {
  readonly at: number;
  readonly to: readonly string[];
  readonly how: "leader" | "deputy" | "nobody";
}

export interface Urgent {
  readonly since_at: number;
  readonly by: string;
  readonly told: readonly Told[];
  readonly acknowledged_at: number | null;
  readonly acknowledged_by: string | null;
  readonly unit_called: string;
  readonly process: string;
  readonly method: string;
  readonly handled_by: string | null;
}

export interface Step {
  readonly at: number;
  readonly by: string;
  readonly text: string;
}

export interface Forwarded {
  readonly at: number;
  readonly by: string;
  readonly to: readonly string[];
  readonly why: string;
  readonly acknowledged_at: number | null;
  readonly acknowledged_by: string | null;
}

export interface Dispatch {
  readonly at: number;
  readonly by: string;
  readonly unit: string;
  readonly person: string;
  readonly due_at: number | null;
  readonly text: string;
  readonly reminded_at: readonly number[];
  readonly urged: readonly Step[];
}

export interface PromiseMade {
  readonly at: number;
  readonly by: string;
  readonly text: string;
  readonly due_at: number;
  readonly kept_at: number | null;
  readonly kept_by: string | null;
  readonly reminded: boolean;
  readonly broken: boolean;
}

export interface Revisit {
  readonly at: number;
  readonly by: string;
  /** 1 (very dissatisfied) to 5. */
  readonly satisfaction: number;
  readonly text: string;
}

export interface Exemption {
  readonly at: number;
  readonly by: string;
  readonly kind: ExceptionKind;
}

export interface Consent {
  readonly at: number;
  readonly by: string;
}

export interface Order {
  readonly id: string;
  readonly pbx: string;
  readonly kind: "call" | "missed";
  readonly call: string;
  readonly version: number;
  readonly state: OrderState;
  readonly opened_at: number;
  readonly updated_at: number;
  readonly queue: string | null;
  readonly seat: string | null;
  readonly agent: string | null;
  readonly owner: string | null;
  readonly team: string | null;
  readonly caller: string | null;
  readonly numbers: readonly ContactNumber[];
  readonly due_at: number | null;
  readonly completed_at: number | null;
  readonly completed_by: string | null;
  readonly overdue: boolean;
  readonly category: string | null;
  readonly own_service: boolean;
  readonly fields: Readonly<Record<string, string>>;
  readonly title: string;
  readonly reply: Reply | null;
  readonly urgent: Urgent | null;
  readonly notes: readonly Note[];
  readonly contacts: readonly Contact[];
  readonly consents: readonly Consent[];
  readonly exemption: Exemption | null;
  readonly promise: PromiseMade | null;
  readonly forwarded: Forwarded | null;
  readonly dispatch: Dispatch | null;
  readonly answer: Step | null;
  readonly told: Step | null;
  readonly closing: Step | null;
  readonly revisit: Revisit | null;
  readonly returned: Step | null;
  readonly returned_from: OrderState | null;
  readonly merged_into: string | null;
  readonly merged_from: readonly string[];
  readonly external_no: string;
  readonly pending_call_back: boolean;
  /** When it was reported that the call-back of a delayed reply was not seen in time. */
  readonly call_back_missed_at: number | null;
  /** A three-way reply of which no three-way call was seen. */
  readonly reply_by_word: boolean;
  readonly left_at: number | null;
  /** A missed-call order: how many more calls of the same caller were missed since. */
  readonly folded: number;
}

/** Something that prevents completion. `field` is a path: `category`, `fields.place`, `reply.mode`. */
export interface Missing {
  readonly field: string;
  readonly code: string;
  readonly text_zh: string;
  readonly text_en: string;
}

/** An order as one person sees it. `allowed`: tags of the commands that may be given now. */
export interface OrderView extends Order {
  readonly missing: readonly Missing[];
  readonly allowed: readonly string[];
}

/** One line of an order's history. `changed`: field path → [before, after]. */
export interface OrderChange {
  readonly order: string;
  readonly version: number;
  readonly at: number;
  readonly by: string | null;
  readonly do: string;
  readonly changed: Readonly<Record<string, readonly [unknown, unknown]>>;
}

export interface Edits {
  readonly category?: string | null;
  readonly own_service?: boolean;
  readonly fields?: Readonly<Record<string, string>>;
  readonly reply?: Reply | null;
  readonly external_no?: string;
}

/** What a person can want done with an order (POST /api/orders/{id}/commands). */
export type OrderCommand =
  | ({ readonly do: "edit" } & Edits)
  | ({ readonly do: "complete" } & Edits)
  | { readonly do: "urgent" }
  | { readonly do: "not_urgent"; readonly reason: string }
  | {
      readonly do: "handle_urgent";
      readonly unit: string;
      readonly process: string;
      readonly method: string;
    }
  | { readonly do: "acknowledge" }
  | { readonly do: "forward"; readonly reason: string }
  | {
      readonly do: "dispatch";
      readonly unit: string;
      readonly person?: string;
      readonly due_days?: number;
      readonly due_at?: number;
      readonly text?: string;
    }
  | { readonly do: "urge"; readonly text?: string }
  | { readonly do: "answer"; readonly text: string }
  | { readonly do: "tell"; readonly text: string }
  | { readonly do: "promise"; readonly text: string; readonly due_at: number }
  | { readonly do: "keep_promise" }
  | { readonly do: "return"; readonly reason: string }
  | { readonly do: "close"; readonly text?: string }
  | { readonly do: "revisit"; readonly satisfaction: number; readonly text?: string }
  | { readonly do: "merge"; readonly into: string }
  | { readonly do: "note"; readonly text: string }
  | { readonly do: "add_number"; readonly number: string; readonly label?: string }
  | { readonly do: "remove_number"; readonly number: string }
  | { readonly do: "assign"; readonly to: string }
  | { readonly do: "exempt"; readonly kind: ExceptionKind | null }
  | { readonly do: "consent" };
