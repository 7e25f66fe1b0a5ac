// Which alerts are listed, as the address says it: a list can be sent to a colleague. Pure.

import { LEVELS, RULES } from "../model/types";

export const SPANS = ["shift", "day", "week"] as const;
export type SpanName = (typeof SPANS)[number];

export interface Filter {
  readonly rule: string;
  readonly level: string;
  readonly seat: string;
  readonly person: string;
  readonly queue: string;
  readonly span: SpanName;
  /** Only what nobody has acknowledged. */
  readonly open: boolean;
}

export const EVERYTHING: Filter = {
  rule: "",
  level: "",
  seat: "",
  person: "",
  queue: "",
  span: "shift",
  open: true,
};

/** The filter that an address' query names; what it does not know is left out. */
export function readFilter(search: string): Filter {
  const said = new URLSearchParams(search);
  const text = (name: string) => (said.get(name) ?? "").trim().slice(0, 200);
  const one = (name: string, known: readonly string[]) =>
    known.includes(text(name)) ? text(name) : "";
  return {
    rule: one("rule", RULES),
    level: one("level", LEVELS),
    seat: text("seat"),
    person: text("person"),
    queue: text("queue"),
    span: SPANS.find((span) => span === text("span")) ?? EVERYTHING.span,
    open: said.get("open") !== "0",
  };
}

/** The query of the address: only what differs from everything. */
export function writeFilter(filter: Filter): string {
  const said = new URLSearchParams();
  for (const name of ["rule", "level", "seat", "person", "queue"] as const)
    if (filter[name] !== "") said.set(name, filter[name]);
  if (filter.span !== EVERYTHING.span) said.set("span", filter.span);
  if (!filter.open) said.set("open", "0");
  const text = said.toString();
  return text === "" ? "" : `?${text}`;
}

const SPAN_S = { day: 86_400, week: 7 * 86_400 } as const;

/** From when on alerts are listed. `shiftFrom` null: not known, then of a day. */
export function spanFrom(span: SpanName, now: number, shiftFrom: number | null): number {
  if (span === "shift") return shiftFrom ?? now - SPAN_S.day;
  return now - SPAN_S[span];
}

/** The query of GET /api/alerts. */
export function alertsQuery(
  filter: Filter,
  from: number,
): Readonly<Record<string, string | number | boolean | null>> {
  return {
    rule: filter.rule || null,
    level: filter.level || null,
    seat: filter.seat || null,
    person: filter.person || null,
    queue: filter.queue || null,
    acknowledged: filter.open ? false : null,
    from,
  };
}
