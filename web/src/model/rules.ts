// What a figure means against its limit. Whether a seat is in trouble is agentd's judgement
// (`seat.trouble`); nothing here second-guesses it.

import type { Alert, Level, Owed, Queue, Rule, Seat, SeatClock, Strength, Surge } from "./types";

const RANK: Record<Strength, number> = { calm: 0, warning: 1, breach: 2, urgent: 3 };

export function rank(strength: Strength): number {
  return RANK[strength];
}

/** The ring that sounds at `now`, from 1 on; null when the rule has no cadence. */
export function ringCount(clock: SeatClock, now: number): number | null {
  if (clock.rule !== "ring" || clock.ring_cycle_s === null) return null;
  return Math.max(1, Math.floor((now - clock.from) / clock.ring_cycle_s + 1e-6) + 1);
}

/** A bar that fills to its limit; `mark` is where the warning begins. Shares are 0..1. */
export interface Bar {
  readonly fill: number;
  readonly mark: number | null;
  readonly strength: Strength;
}

function share(part: number, whole: number): number {
  return whole <= 0 ? 1 : Math.min(1, Math.max(0, part / whole));
}

/** Time gone by of a limit: `gone`, `warn` and `max` in seconds; null without any limit. */
export function bar(gone: number, warn: number | null, max: number | null): Bar | null {
  const full = max ?? warn;
  if (full === null) return null;
  return {
    fill: share(gone, full),
    mark: warn !== null && max !== null && warn < max ? share(warn, max) : null,
    strength: against(gone, warn, max),
  };
}

/** The strength of a time against its limits. */
export function against(gone: number, warn: number | null, max: number | null): Strength {
  if (max !== null && gone >= max) return "breach";
  if (warn !== null && gone >= warn) return "warning";
  return "calm";
}

/** The bar of a seat's running clock; null without a clock, a limit, or a clock that counts. */
export function clockBar(clock: SeatClock | null, now: number): Bar | null {
  if (clock === null || clock.stopped) return null;
  const { from, warn_at, breach_at } = clock;
  return bar(
    now - from,
    warn_at === null ? null : warn_at - from,
    breach_at === null ? null : breach_at - from,
  );
}

/** How long the queue's oldest caller has waited; null when nobody waits. */
export function longestWait(queue: Queue, now: number): number | null {
  let oldest: number | null = null;
  for (const { joined_at } of queue.waiting)
    if (oldest === null || joined_at < oldest) oldest = joined_at;
  return oldest === null ? null : Math.max(0, now - oldest);
}

/** The strength that an alert's level and rule stand for. */
export function alertStrength(level: Level, rule: Rule): Strength {
  if (rule === "urgent") return "urgent";
  return level === "warning" ? "warning" : "breach";
}

/** The order that is due first; null when none has a due time. */
export function nearestDue(owed: readonly Owed[]): number | null {
  let nearest: number | null = null;
  for (const { due_at } of owed)
    if (due_at !== null && (nearest === null || due_at < nearest)) nearest = due_at;
  return nearest;
}

/** Whether an alert speaks of this seat; the PBX counts where the alert names one. */
export function concerns(alert: Alert, seat: Seat): boolean {
  if (alert.seat === null) return false;
  if (alert.seat === `${seat.pbx}/${seat.seat}`) return true;
  return alert.seat === seat.seat && (alert.pbx === null || alert.pbx === seat.pbx);
}

/** Why a seat is in trouble, and the time that is to be watched. */
export type Cause =
  | { readonly kind: "clock"; readonly rule: Rule; readonly clock: SeatClock }
  | { readonly kind: "due"; readonly rule: "work_order"; readonly due_at: number }
  | {
      readonly kind: "alert";
      readonly rule: Rule;
      readonly value: number | null;
      readonly limit: number | null;
      readonly at: number;
    }
  | { readonly kind: "unknown" };

function clockCause(seat: Seat, now: number): Cause | null {
  const { clock } = seat;
  if (clock === null) return null;
  // agentd's word may be a moment ahead of the time shown here.
  const soon = now + 1;
  const past = seat.trouble === "warning" ? (clock.warn_at ?? clock.breach_at) : clock.breach_at;
  return past !== null && soon >= past ? { kind: "clock", rule: clock.rule, clock } : null;
}

function alertCause(seat: Seat, alerts: readonly Alert[]): Cause | null {
  let best: Alert | null = null;
  for (const alert of alerts) {
    if (alert.cleared_at !== null || !concerns(alert, seat)) continue;
    if (alertStrength(alert.level, alert.rule) !== seat.trouble) continue;
    if (best === null || alert.at > best.at) best = alert;
  }
  if (best === null) return null;
  const due = best.rule === "work_order" ? nearestDue(seat.owed) : null;
  if (due !== null) return { kind: "due", rule: "work_order", due_at: due };
  const { rule, value, limit, at } = best;
  return { kind: "alert", rule, value, limit, at };
}

/** Why `seat` is in trouble; null when it is not. `alerts` may hold those of other seats too. */
export function cause(seat: Seat, alerts: readonly Alert[], now: number): Cause | null {
  if (seat.trouble === "calm") return null;
  const alert = alertCause(seat, alerts);
  if (seat.trouble === "urgent") return alert ?? { kind: "unknown" };
  const running = clockCause(seat, now);
  if (running !== null) return running;
  if (alert !== null) return alert;
  const due = nearestDue(seat.owed);
  if (due !== null) return { kind: "due", rule: "work_order", due_at: due };
  return { kind: "unknown" };
}

/** A surge's level as one of the four strengths. */
export function surgeStrength(level: number): Strength {
  if (level <= 0) return "calm";
  return level === 1 ? "warning" : "breach";
}

/** Whether a warning of a queue is shown as one with the queue's surge. */
export function isFolded(level: Strength | Level, surge: Surge | undefined): boolean {
  return level === "warning" && surge !== undefined && surge.level > 0 && surge.folds;
}
