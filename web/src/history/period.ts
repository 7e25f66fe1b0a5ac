// Which part of which day: a date, and hours of it. Pure.

import type { Query } from "./place";
import { DAY_S, dayAfter, midnightOf } from "./zone";

export interface Period {
  readonly date: string;
  /** `08:00`, or "" for the day's own beginning and end. */
  readonly begins: string;
  readonly ends: string;
  readonly from: number;
  readonly to: number;
}

function secondsOf(text: string | undefined): number | null {
  const parts = /^(\d{2}):(\d{2})$/.exec(text ?? "");
  if (parts === null || Number(parts[1]) > 23 || Number(parts[2]) > 59) return null;
  return Number(parts[1]) * 3600 + Number(parts[2]) * 60;
}

/**
 * What an address asks for: `date`, and `begins`–`ends` of it, over midnight too. `starts_s`: when
 * the day begins, seconds after local midnight. What is no date is `today`.
 */
export function periodOf(query: Query, today: string, offset_s: number, starts_s: number): Period {
  const asked = query.date ?? "";
  const date = midnightOf(asked, 0) === null ? today : asked;
  const midnight = midnightOf(date, offset_s) ?? 0;
  const begins = secondsOf(query.begins);
  const ends = secondsOf(query.ends);
  if (begins === null || ends === null)
    return {
      date,
      begins: "",
      ends: "",
      from: midnight + starts_s,
      to: midnight + starts_s + DAY_S,
    };
  // Hours before the day's beginning belong to its end: a night shift is of the day it began on.
  const from = midnight + begins + (begins < starts_s ? DAY_S : 0);
  const lasts = ends > begins ? ends - begins : ends - begins + DAY_S;
  return { date, begins: query.begins ?? "", ends: query.ends ?? "", from, to: from + lasts };
}

export function dayBefore(date: string): string {
  return dayAfter(date, -1);
}
