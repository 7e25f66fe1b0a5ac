// The search over all orders of the person's scope: its filters, its pages, its files.

import { batch, signal } from "@preact/signals";
import { api, apiUrl, type Problem } from "../api/client";
import type { Order, Page } from "../api/types";
import { lang } from "../i18n";
import { offset } from "./duties";
import { DAY_S, dateStart } from "../model/dates";

export interface Filters {
  readonly q: string;
  readonly number: string;
  readonly state: string;
  readonly category: string;
  readonly owner: string;
  readonly kind: string;
  /** Local dates, both days included. */
  readonly from: string;
  readonly to: string;
  readonly urgent: boolean;
  readonly overdue: boolean;
  readonly own_service: boolean;
}

export const NO_FILTERS: Filters = {
  q: "",
  number: "",
  state: "",
  category: "",
  owner: "",
  kind: "",
  from: "",
  to: "",
  urgent: false,
  overdue: false,
  own_service: false,
};

export type Query = Readonly<Record<string, string | number | boolean | null>>;

/** The filters as the API takes them; flags that are off ask nothing. */
export function queryOf(filters: Filters, offset_s: number): Query {
  const from = dateStart(filters.from, offset_s);
  const to = dateStart(filters.to, offset_s);
  return {
    q: filters.q.trim(),
    number: filters.number.trim(),
    state: filters.state,
    category: filters.category,
    owner: filters.owner,
    kind: filters.kind,
    from,
    to: to === null ? null : to + DAY_S,
    urgent: filters.urgent || null,
    overdue: filters.overdue || null,
    own_service: filters.own_service || null,
  };
}

/** Whether the days are in their order. */
export function isRange(filters: Filters): boolean {
  return filters.from === "" || filters.to === "" || filters.from <= filters.to;
}

export const filters = signal<Filters>(NO_FILTERS);
export const found = signal<readonly Order[] | null>(null);
export const searching = signal(false);
export const searchProblem = signal<Problem | null>(null);
/** Where the next page begins; null when there is none. */
export const next = signal<string | null>(null);
/** What the list and the files are of: the filters when the search was asked. */
const searched = signal<Query>({});

const PAGE = 50;
let asked = 0;

async function page(cursor: string | null): Promise<void> {
  asked += 1;
  const mine = asked;
  searching.value = true;
  const answer = await api<Page<Order>>("orders", {
    query: { ...searched.peek(), limit: PAGE, cursor },
  });
  if (mine !== asked) return;
  batch(() => {
    searching.value = false;
    searchProblem.value = answer.ok ? null : answer.problem;
    if (!answer.ok) return;
    const before = cursor === null ? [] : (found.peek() ?? []);
    const known = new Set(before.map(({ id }) => id));
    found.value = [...before, ...answer.value.items.filter(({ id }) => !known.has(id))];
    next.value = answer.value.next_cursor;
  });
}

export async function search(): Promise<void> {
  searched.value = queryOf(filters.peek(), offset.peek());
  await page(null);
}

export async function more(): Promise<void> {
  if (next.peek() !== null && !searching.peek()) await page(next.peek());
}

/** Where the same orders are as a file. */
export function fileUrl(kind: "csv" | "xlsx"): string {
  return apiUrl(`orders.${kind}`, { ...searched.value, lang: lang.value === "en" ? "en" : "zh" });
}
