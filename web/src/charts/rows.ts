// What a chart of a shift draws, from the intervals that agentd gives. Pure.

/** One interval of GET /api/figures/intervals or /api/wall/intervals, as far as a chart needs it. */
export interface ChartRow {
  /** When it begins: seconds since the epoch. */
  readonly at: number;
  /** A PBX was not heard in some of it. */
  readonly gap: boolean;
  readonly offered: number;
  readonly answered: number;
  readonly abandoned: number;
  /** Answered in time, of `sl_of`. */
  readonly in_time: number;
  readonly sl_of: number;
}

/** From when to when, seconds since the epoch. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A young shift is not stretched over the whole width. */
const LEAST_S = 4 * 3600;

/** The time that a chart of these rows takes; null without rows. */
export function spanOf(rows: readonly ChartRow[], step_s: number): Span | null {
  const [first, last] = [rows[0], rows[rows.length - 1]];
  if (first === undefined || last === undefined) return null;
  return { from: first.at, to: Math.max(last.at + step_s, first.at + LEAST_S) };
}

type Column = (number | null)[];

/** Drawn over each other: the outline of what was offered, abandoned upon answered, the level. */
export interface Columns {
  readonly at: number[];
  readonly offered: Column;
  /** Answered and abandoned together. */
  readonly stacked: Column;
  readonly answered: Column;
  /** The service level, 0..1; null where nobody was judged. */
  readonly level: Column;
}

/**
 * The columns that are drawn. The outline ends where the last interval does: there is one point more
 * than there are rows.
 */
export function columnsOf(rows: readonly ChartRow[], step_s: number): Columns {
  const last = rows[rows.length - 1];
  const end = last === undefined ? [] : [last.at + step_s];
  const close = last === undefined ? [] : [last.offered];
  const none: null[] = last === undefined ? [] : [null];
  return {
    at: [...rows.map(({ at }) => at), ...end],
    offered: [...rows.map(({ offered }) => offered), ...close],
    stacked: [...rows.map(({ answered, abandoned }) => answered + abandoned), ...none],
    answered: [...rows.map(({ answered }) => answered), ...none],
    level: [...rows.map(levelOf), ...none],
  };
}

/** The service level of an interval, 0..1; null where nobody was judged. */
export function levelOf({ in_time, sl_of }: Pick<ChartRow, "in_time" | "sl_of">): number | null {
  return sl_of > 0 ? in_time / sl_of : null;
}

/** Times of which something is missing, neighbours joined. */
export function gapsOf(rows: readonly ChartRow[], step_s: number): Span[] {
  const found: Span[] = [];
  for (const { at, gap } of rows) {
    if (!gap) continue;
    const before = found[found.length - 1];
    if (before !== undefined && before.to >= at)
      found[found.length - 1] = { from: before.from, to: at + step_s };
    else found.push({ from: at, to: at + step_s });
  }
  return found;
}

/** All intervals together. */
export function totalOf(rows: readonly ChartRow[]): Omit<ChartRow, "at"> {
  const sum = (key: "offered" | "answered" | "abandoned" | "in_time" | "sl_of") =>
    rows.reduce((total, row) => total + row[key], 0);
  return {
    gap: rows.some(({ gap }) => gap),
    offered: sum("offered"),
    answered: sum("answered"),
    abandoned: sum("abandoned"),
    in_time: sum("in_time"),
    sl_of: sum("sl_of"),
  };
}
