// A shift as strips of states: one per seat that the person sat at. Pure.

import type { SeatSpan } from "./types";

export type StripState = NonNullable<SeatSpan["state"]> | "gap";

export interface Piece {
  readonly state: StripState;
  readonly reason: string | null;
  readonly agent: string | null;
  readonly from: number;
  readonly to: number;
  /** It still goes on. */
  readonly open: boolean;
}

export interface Strip {
  readonly pbx: string;
  readonly seat: string;
  readonly pieces: readonly Piece[];
}

/** The order in which states are named: from at work to away. */
export const STATES: readonly StripState[] = [
  "available",
  "offered",
  "ringing",
  "talking",
  "holding",
  "wrap_up",
  "paused",
  "unreachable",
  "logged_out",
  "gap",
];

/** Spans cut to a time, by seat; `until`: what goes on is drawn so far. */
export function strips(
  spans: readonly SeatSpan[],
  from: number,
  to: number,
  until: number,
): readonly Strip[] {
  const seats = new Map<string, { pbx: string; seat: string; pieces: Piece[] }>();
  for (const span of spans) {
    const begin = Math.max(from, span.from_at);
    const open = span.to_at === null;
    const end = Math.min(to, span.to_at ?? Math.max(begin, Math.min(to, until)));
    if (end <= begin && !open) continue;
    const key = `${span.pbx}/${span.seat}`;
    const strip = seats.get(key) ?? { pbx: span.pbx, seat: span.seat, pieces: [] };
    strip.pieces.push({
      state: span.state ?? "gap",
      reason: span.pause_reason,
      agent: span.agent,
      from: begin,
      to: end,
      open,
    });
    seats.set(key, strip);
  }
  return [...seats.values()].map((strip) => ({
    ...strip,
    pieces: strip.pieces.sort((a, b) => a.from - b.from),
  }));
}

/**
 * The time in which something was done at all: without being logged out at both ends. Of a gap that
 * comes before everything else the last hour stands for it.
 */
export function working(found: readonly Strip[]): readonly [from: number, to: number] | null {
  const at = found.flatMap(({ pieces }) =>
    pieces
      .filter(({ state }) => state !== "logged_out")
      .map(({ state, from, to }, index) => ({
        from: state === "gap" && index === 0 ? Math.max(from, to - 3600) : from,
        to,
      })),
  );
  if (at.length === 0) return null;
  return [Math.min(...at.map(({ from }) => from)), Math.max(...at.map(({ to }) => to))];
}

export interface Total {
  readonly state: StripState;
  /** Of a pause; null for other states and where none was given. */
  readonly reason: string | null;
  readonly seconds: number;
  readonly times: number;
}

/** Seconds in each state; pauses by their reason. */
export function totals(found: readonly Strip[]): readonly Total[] {
  const sums = new Map<
    string,
    { state: StripState; reason: string | null; seconds: number; times: number }
  >();
  for (const { state, reason, from, to } of found.flatMap(({ pieces }) => pieces)) {
    const why = state === "paused" ? reason : null;
    const key = `${state} ${why ?? ""}`;
    const sum = sums.get(key) ?? { state, reason: why, seconds: 0, times: 0 };
    sum.seconds += to - from;
    sum.times += 1;
    sums.set(key, sum);
  }
  return [...sums.values()].sort(
    (a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || b.seconds - a.seconds,
  );
}

/** Seconds that count as signed in: everything that was heard but being logged out. */
export function signedIn(found: readonly Strip[]): number {
  return totals(found)
    .filter(({ state }) => state !== "logged_out" && state !== "gap")
    .reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Local hours that a time touches: [from, to) each, for one line per hour. */
export function hours(from: number, to: number, offset_s: number): readonly number[] {
  const first = Math.floor((from + offset_s) / 3600) * 3600 - offset_s;
  const found = [];
  // A clock that is off by a little makes no hour of its own.
  for (let at = first; at < to - 1; at += 3600) found.push(at);
  return found;
}
