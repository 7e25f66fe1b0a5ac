// A queue's day: its quarters of an hour, the empty ones put in, and what they add up to. Pure.

import type { Gap, Quarter, QueueDay } from "./types";
import { gapsWithin } from "./timeline";

export const QUARTER_S = 900;

function empty(at: number): Quarter {
  return {
    at,
    offered: 0,
    answered: 0,
    within_limit: 0,
    abandoned: 0,
    short_abandons: 0,
    let_go: 0,
    moved: 0,
    unknown: 0,
    wait_s: 0,
    longest_s: 0,
    estimated: 0,
    gap: false,
  };
}

function touches(gaps: readonly Gap[], from: number, to: number): boolean {
  return gapsWithin(gaps, from, to).length > 0;
}

/** Every quarter from `from` until `to`; those that nobody joined are zero, which is known. */
export function quarters(day: QueueDay, from: number, to: number): readonly Quarter[] {
  const known = new Map(day.quarters.map((quarter) => [quarter.at, quarter]));
  const found = [];
  for (let at = Math.floor(from / QUARTER_S) * QUARTER_S; at < to; at += QUARTER_S) {
    const quarter = known.get(at) ?? empty(at);
    found.push({ ...quarter, gap: quarter.gap || touches(day.gaps, at, at + QUARTER_S) });
  }
  return found;
}

/** Several quarters as one. */
export function summed(list: readonly Quarter[]): Quarter {
  return list.reduce<Quarter>(
    (sum, one) => ({
      at: Math.min(sum.at, one.at),
      offered: sum.offered + one.offered,
      answered: sum.answered + one.answered,
      within_limit: sum.within_limit + one.within_limit,
      abandoned: sum.abandoned + one.abandoned,
      short_abandons: sum.short_abandons + one.short_abandons,
      let_go: sum.let_go + one.let_go,
      moved: sum.moved + one.moved,
      unknown: sum.unknown + one.unknown,
      wait_s: sum.wait_s + one.wait_s,
      longest_s: Math.max(sum.longest_s, one.longest_s),
      estimated: sum.estimated + one.estimated,
      gap: sum.gap || one.gap,
    }),
    { ...empty(list[0]?.at ?? 0) },
  );
}

/** Answered within T ÷ (offered − short abandons); null while there is nothing to divide by. */
export function level(quarter: Quarter): number | null {
  const of = quarter.offered - quarter.short_abandons;
  return of > 0 ? quarter.within_limit / of : null;
}

export function connectRate(quarter: Quarter): number | null {
  return quarter.offered > 0 ? quarter.answered / quarter.offered : null;
}

export function meanWait(quarter: Quarter): number | null {
  return quarter.answered > 0 ? quarter.wait_s / quarter.answered : null;
}

/**
 * The part of a day in which something was, or could not be heard, to the hour; the whole of it where
 * nothing was. What nobody heard may have been anything: a gap is not left out; of one that has
 * lasted since the day began (agentd was started at noon) the last hour stands for it.
 */
export function busyPart(
  day: QueueDay,
  until: number,
): { readonly from: number; readonly to: number } {
  const spans = [
    ...day.quarters
      .filter(({ offered }) => offered > 0)
      .map(({ at }) => ({ from: at, to: at + QUARTER_S })),
    ...gapsWithin(day.gaps, day.from_at, Math.min(day.to_at, until)).map(({ from, to }) => ({
      from: from <= day.from_at ? Math.max(from, to - 3600) : from,
      to,
    })),
  ];
  if (spans.length === 0)
    return { from: day.from_at, to: Math.max(day.from_at + 3600, Math.min(day.to_at, until)) };
  const first = Math.min(...spans.map(({ from }) => from));
  const last = Math.max(...spans.map(({ to }) => to));
  return {
    from: Math.max(day.from_at, Math.floor(first / 3600) * 3600),
    to: Math.min(day.to_at, Math.ceil(last / 3600) * 3600),
  };
}

/** What the chart draws: a point at the beginning of each quarter. Null leaves a hole. */
export function series(list: readonly Quarter[]): {
  readonly at: number[];
  readonly offered: number[];
  readonly answered: number[];
  readonly abandoned: number[];
  readonly level: (number | null)[];
} {
  return {
    at: list.map(({ at }) => at),
    offered: list.map(({ offered }) => offered),
    answered: list.map(({ answered }) => answered),
    abandoned: list.map(({ abandoned, let_go }) => abandoned + let_go),
    level: list.map((quarter) => {
      const share = level(quarter);
      return share === null ? null : share * 100;
    }),
  };
}
