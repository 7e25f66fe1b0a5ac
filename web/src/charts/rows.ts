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

/** Undefined: of other columns only. Null: nothing is known. */
type Column = (number | null | undefined)[];

/** Drawn over each other: the outline of what was offered, abandoned upon answered, the level. */
export interface Columns {
  /** Where an interval begins, and its middle. */
  readonly at: number[];
  readonly offered: Column;
  /** Answered and abandoned together. */
  readonly stacked: Column;
  readonly answered: Column;
  /** The service level in the middle of its interval, 0..1; null where nobody was judged. */
  readonly level: Column;
}

/** The columns that are drawn; one more point lets the outline end where the last interval does. */
export function columnsOf(rows: readonly ChartRow[], step_s: number): Columns {
  const columns: Columns = { at: [], offered: [], stacked: [], answered: [], level: [] };
  for (const row of rows) {
    columns.at.push(row.at, row.at + step_s / 2);
    columns.offered.push(row.offered, undefined);
    columns.stacked.push(row.answered + row.abandoned, undefined);
    columns.answered.push(row.answered, undefined);
    columns.level.push(undefined, levelOf(row));
  }
  const last = rows[rows.length - 1];
  if (last !== undefined) {
    columns.at.push(last.at + step_s);
    columns.offered.push(last.offered);
    columns.stacked.push(undefined);
    columns.answered.push(undefined);
    columns.level.push(undefined);
  }
  return columns;
}

/** How many intervals of a shift that began unheard are shown. */
const UNHEARD = 4;

/** The rows that say something: where a shift began long before anything was heard, the end of that. */
export function heard(rows: readonly ChartRow[]): readonly ChartRow[] {
  const first = rows.findIndex(({ gap, offered }) => !gap || offered > 0);
  return first <= UNHEARD ? rows : rows.slice(first - UNHEARD);
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
