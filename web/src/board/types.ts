// What the REST API says to the wallboard alone (docs/api.md): control, settings, metrics.

import type { Label } from "../api/types";

export const ACTS = [
  "listen",
  "whisper",
  "barge",
  "pause",
  "unpause",
  "logout",
  "move_up",
  "redirect",
  "hangup",
  "message",
] as const;
export type Act = (typeof ACTS)[number];

export interface Allowed {
  readonly may: boolean;
  readonly why_not: Label | null;
}

export interface OwnPhone {
  readonly pbx: string;
  readonly device: string;
  /** By the person; else it is the seat where the person is signed in. */
  readonly chosen: boolean;
  readonly reachable: boolean;
}

/** A seat's place in one queue, and what logging it out of there would do. */
export interface Place {
  readonly queue: string;
  readonly dynamic: boolean;
  readonly paused: boolean;
  readonly how: "removed" | "paused";
  readonly note: Label | null;
}

/** GET /api/control */
export interface Control {
  readonly pbx: string;
  readonly actions: Readonly<Record<string, Allowed>>;
  readonly phone: OwnPhone | null;
  readonly phones: readonly string[];
  readonly places: readonly Place[] | null;
}

/** A row of GET /api/metrics. */
export interface MetricRow {
  readonly key: string;
  readonly name: Label;
  readonly formula: Label;
  readonly unit: string;
}

/** How one PBX is heard: an item of GET /api/health/feed. */
export interface FeedHealth {
  readonly pbx: string;
  /** The longest that an event of the last seconds took until it was judged. */
  readonly lag_s: number | null;
  /** Of today. */
  readonly gaps: readonly { readonly from_at: number; readonly to_at: number | null }[];
}

/** GET /api/board/settings/{key} */
export interface Setting<T> {
  readonly key: string;
  readonly value: T | null;
  readonly version: number;
}
