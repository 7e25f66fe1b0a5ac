// Where the person is: the page and its question, both in the address, so that the address can be
// sent to somebody else and the back button works.

import { signal } from "@preact/signals";

export const PAGES = ["calls", "people", "queues", "orders"] as const;
export type HistoryPage = (typeof PAGES)[number];
export type Query = Readonly<Record<string, string>>;

export interface Place {
  readonly page: HistoryPage;
  readonly query: Query;
}

/** The place that an address names; what is no page of ours is the first one. */
export function placeOf(path: string, search: string): Place {
  const last = path.split("/").at(-1) ?? "";
  const query: Record<string, string> = {};
  for (const [key, value] of new URLSearchParams(search)) if (value !== "") query[key] = value;
  return { page: PAGES.find((name) => name === last) ?? "calls", query };
}

/** A question as it stands in an address; what is empty is left out. */
export function searchOf(query: Readonly<Record<string, string | null | undefined>>): string {
  const found = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value) found.set(key, value);
  // Slashes and colons need no escape here, and people read addresses.
  const text = found.toString().replaceAll("%2F", "/").replaceAll("%3A", ":");
  return text === "" ? "" : `?${text}`;
}

/** Relative, so that it also works below a path of somebody's reverse proxy. */
export function hrefOf(
  page: HistoryPage,
  query: Readonly<Record<string, string | null | undefined>> = {},
): string {
  return `./${page}${searchOf(query)}`;
}

export const place = signal<Place>({ page: "calls", query: {} });

/** Go there; `replace`: the back button does not come back to here. */
export function go(
  page: HistoryPage,
  query: Readonly<Record<string, string | null | undefined>>,
  replace = false,
): void {
  const href = hrefOf(page, query);
  if (replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  read();
}

function read(): void {
  place.value = placeOf(location.pathname, location.search);
}

export function followPlace(): void {
  read();
  addEventListener("popstate", read);
}
