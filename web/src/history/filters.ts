// Which calls: the filter as it stands in the address, and as the API takes it. Pure.

import { clockOf, dateOf, momentOf } from "./zone";
import type { Query } from "./place";

export const TEXTS = [
  "number",
  "queue",
  "pbx",
  "seat",
  "person",
  "direction",
  "outcome",
  "rule",
  "from",
  "to",
  "wait_min",
  "talk_min",
  "hold_min",
] as const;
export type Field = (typeof TEXTS)[number];
export type Filters = Readonly<Record<Field, string>>;

/** Calls behind a figure: the address names the figure instead of filters. */
const OF_FIGURE = ["kind", "name", "window", "metric"] as const;
export type FigureAsked = Readonly<Record<(typeof OF_FIGURE)[number], string>>;

/** As CallEnded says it (agentd/core/settling.py, verdict.py). */
export const OUTCOMES = [
  "answered",
  "abandoned",
  "queue_gave_up",
  "no_answer",
  "rejected",
  "unreachable",
  "failed",
] as const;

export function filtersOf(query: Query): Filters {
  return Object.fromEntries(TEXTS.map((field) => [field, query[field] ?? ""])) as Filters;
}

/** The figure whose calls are asked for, if the address names one. */
export function figureOf(query: Query): FigureAsked | null {
  const { kind, metric } = query;
  if (kind === undefined || metric === undefined) return null;
  return { kind, metric, name: query.name ?? "*", window: query.window ?? "today" };
}

/** Only what makes up the list: `call` names what is open beside it. */
export function listPart(query: Query): Query {
  const known: readonly string[] = [...TEXTS, ...OF_FIGURE, "list"];
  return Object.fromEntries(Object.entries(query).filter(([key]) => known.includes(key)));
}

/** A moment of the address: local time, or seconds since the epoch as other pages give them. */
export function atOf(text: string, offset_s: number): number | null {
  if (/^\d{9,11}(\.\d+)?$/.test(text)) return Number(text);
  return momentOf(text, offset_s);
}

/** As the fields of the form show a moment: `datetime-local`. */
export function shownMoment(text: string, offset_s: number): string {
  const at = atOf(text, offset_s);
  return at === null ? "" : `${dateOf(at, offset_s)}T${clockOf(at, offset_s)}`;
}

/** `90`, `1:30`, `1:02:03` as seconds; null when it is none of these. */
export function secondsOf(text: string): number | null {
  const parts = text.trim().replaceAll("：", ":").split(":");
  if (parts.length > 3 || !parts.every((part) => /^\d{1,5}(\.\d+)?$/.test(part))) return null;
  return parts.reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** Fields whose text is no moment or no time. */
export function wrongFields(filters: Filters, offset_s: number): readonly Field[] {
  const bad: Field[] = [];
  for (const field of ["from", "to"] as const)
    if (filters[field] !== "" && atOf(filters[field], offset_s) === null) bad.push(field);
  for (const field of ["wait_min", "talk_min", "hold_min"] as const) {
    const seconds = filters[field] === "" ? 0 : secondsOf(filters[field]);
    if (seconds === null || seconds > 86_400) bad.push(field);
  }
  const from = atOf(filters.from, offset_s);
  const to = atOf(filters.to, offset_s);
  if (from !== null && to !== null && to <= from) bad.push("to");
  return bad;
}

/** As GET /api/history/calls takes it. */
export function asked(
  filters: Filters,
  offset_s: number,
): Readonly<Record<string, string | number | null>> {
  const least = (text: string) => (text === "" ? null : secondsOf(text));
  return {
    number: filters.number.trim(),
    queue: filters.queue,
    pbx: filters.pbx,
    seat: filters.seat.trim(),
    person: filters.person.trim(),
    direction: filters.direction,
    outcome: filters.outcome,
    rule: filters.rule,
    from: atOf(filters.from, offset_s),
    to: atOf(filters.to, offset_s),
    wait_min_s: least(filters.wait_min),
    talk_min_s: least(filters.talk_min),
    hold_min_s: least(filters.hold_min),
  };
}

/** `main/1700000001.1` as a PBX and a call; null when it is none. */
export function callOf(text: string | undefined): readonly [pbx: string, call: string] | null {
  const at = text?.indexOf("/") ?? -1;
  if (text === undefined || at <= 0 || at === text.length - 1) return null;
  return [text.slice(0, at), text.slice(at + 1)];
}
