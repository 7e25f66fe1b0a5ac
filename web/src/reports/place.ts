// Which report is shown, as the address says it: it can be sent to somebody else, and the back
// button works.

import { signal } from "@preact/signals";
import { BYS, type By, type Kind, KINDS } from "./types";

export interface Place {
  readonly by: By;
  readonly period: Kind;
  readonly at: string;
  readonly shift: string;
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly details: boolean;
}

const NAMES = ["at", "shift", "from", "to", "name"] as const;

/** The report that an address asks for; what is none of ours is the first choice. */
export function placeOf(search: string): Place {
  const query = new URLSearchParams(search);
  const text = (name: string) => query.get(name) ?? "";
  return {
    by: BYS.find((by) => by === text("by")) ?? "queue",
    period: KINDS.find((kind) => kind === text("period")) ?? "day",
    at: text("at"),
    shift: text("shift"),
    from: text("from"),
    to: text("to"),
    name: text("name"),
    details: text("details") === "yes",
  };
}

/** What the API is asked; null while something is missing that it needs. */
export function queryOf(place: Place): Readonly<Record<string, string | null>> | null {
  const { by, period, at, shift, from, to, name, details } = place;
  if (period === "span" && (from === "" || to === "")) return null;
  const span = period === "span";
  return {
    by,
    period,
    at: span || at === "" ? null : at,
    shift: period === "shift" && shift !== "" ? shift : null,
    from: span ? from : null,
    to: span ? to : null,
    name: name === "" ? null : name,
    details: details ? "yes" : null,
  };
}

export function hrefOf(place: Place): string {
  const found = new URLSearchParams({ by: place.by, period: place.period });
  for (const name of NAMES) if (place[name] !== "") found.set(name, place[name]);
  if (place.details) found.set("details", "yes");
  // Slashes and colons need no escape here, and people read addresses.
  return `./reports?${found.toString().replaceAll("%2F", "/").replaceAll("%3A", ":")}`;
}

export const place = signal<Place>(placeOf(""));

export function go(changed: Partial<Place>): void {
  const next = { ...place.peek(), ...changed };
  history.pushState(null, "", hrefOf(next));
  place.value = next;
}

export function followPlace(): void {
  const read = () => {
    place.value = placeOf(location.search);
  };
  read();
  addEventListener("popstate", read);
}
