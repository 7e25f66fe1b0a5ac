// What the large clock shows while a phone rings or a customer waits, and the window's title.

import type { OrderClock } from "../api/types";
import { against, bar, type Bar, rank } from "../model/rules";
import type { Alert, Rule, SeatClock, SeatState, Strength } from "../model/types";
import { duration } from "../model/format";

export interface Countdown {
  readonly rule: SeatClock["rule"];
  /** Seconds gone by. */
  readonly gone: number;
  /** Whole seconds left until the limit, 0 from the limit on; null without a limit. */
  readonly left: number | null;
  /** Whole seconds past the limit; 0 before it. */
  readonly over: number;
  /** Seconds; null without a limit. */
  readonly limit: number | null;
  readonly strength: Strength;
  readonly bar: Bar | null;
}

/**
 * The clock that agentd gave for a seat, at `now` (PBX time). Null while there is none, or while it
 * stands still because the link was lost: nobody knows then how long it was.
 */
export function countdown(clock: SeatClock | null, now: number | null): Countdown | null {
  if (clock === null || clock.stopped || now === null) return null;
  const { from, warn_at, breach_at } = clock;
  const gone = Math.max(0, now - from);
  const warn = warn_at === null ? null : warn_at - from;
  const max = breach_at === null ? null : breach_at - from;
  return {
    rule: clock.rule,
    gone,
    left: max === null ? null : Math.max(0, Math.ceil(max - gone - 1e-6)),
    over: max === null ? 0 : Math.max(0, Math.floor(gone - max + 1e-6)),
    limit: max,
    strength: against(gone, warn, max),
    bar: bar(gone, warn, max),
  };
}

/**
 * How strong the alerts that agentd pushed about the running clock are: what it has judged stands at
 * once, whatever the page's own clock says.
 */
export function pushed(clock: SeatClock | null, alerts: readonly Alert[]): Strength {
  if (clock === null || clock.stopped) return "calm";
  const of = alerts.filter(
    ({ rule, at, cleared_at }) => cleared_at === null && rule === clock.rule && at >= clock.from,
  );
  if (of.some(({ level }) => level !== "warning")) return "breach";
  return of.length > 0 ? "warning" : "calm";
}

/** `count` at least as strong as what was pushed. */
export function strengthened(count: Countdown | null, strength: Strength): Countdown | null {
  if (count === null || rank(count.strength) >= rank(strength)) return count;
  return { ...count, strength };
}

/** The large figure: seconds left, then how far past, else how long. */
export function figure(count: Countdown): string {
  if (count.limit === null) return duration(count.gone);
  if (count.strength === "breach") return `+${duration(count.over)}`;
  return count.left !== null && count.left >= 100 ? duration(count.left) : `${count.left ?? 0}`;
}

export interface TitleWords {
  readonly name: string;
  readonly state: string;
  readonly breach: string;
  readonly warning: string;
}

/** What the window's title says: what runs out first, so that a narrow tab shows it. */
export function titleOf(
  words: TitleWords,
  state: SeatState | null,
  count: Countdown | null,
  owed: { readonly all: number; readonly overdue: number },
): string {
  const base = owed.all === 0 ? words.name : `(${owed.all}) ${words.name}`;
  if (count !== null && count.strength === "breach")
    return `‼ ${words.breach} ${figure(count)} ${words.state} – ${base}`;
  if (count !== null && count.strength === "warning")
    return `⚠ ${words.warning} ${figure(count)} ${words.state} – ${base}`;
  if (state === "ringing" || state === "holding")
    return `${count === null ? "" : `${figure(count)} `}${words.state} – ${base}`;
  if (owed.overdue > 0) return `‼ ${words.breach} – ${base}`;
  return base;
}

/** Which signal an alert asks for; null for none. */
export function signalOf(level: string, rule: Rule): "warning" | "breach" | null {
  if (level === "warning") return "warning";
  // Who hung up is judged after the call: there is nothing to hurry for.
  return rule === "hangup_order" ? null : "breach";
}

/** The time that an order of a kind has, and how long before its end agentd first reminds. */
export function timeFor(
  kind: "call" | "missed",
  clock: OrderClock | null,
): { readonly limit_s: number; readonly warn_s: number } | null {
  if (clock === null) return null;
  if (kind === "missed") return { limit_s: clock.missed_due_s, warn_s: 0 };
  const first = clock.remind_s[0] ?? clock.due_s;
  return { limit_s: clock.due_s, warn_s: clock.due_s - first };
}

/** How near an owed order's due time is; `warn_s` before it the warning begins. */
export function dueStrength(
  due_at: number | null,
  opened_overdue: boolean,
  now: number | null,
  warn_s: number,
): Strength {
  if (opened_overdue) return "breach";
  if (due_at === null || now === null) return "calm";
  if (now >= due_at) return "breach";
  return due_at - now <= warn_s ? "warning" : "calm";
}
