// The periods beside one, as the API is asked for them. Pure.

import type { Period } from "./types";

function days(date: string, by: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + by * 86_400_000).toISOString().slice(0, 10);
}

/** `at` of the period before and of the one after. */
export function around(period: Period): { readonly before: string; readonly after: string } {
  if (period.kind === "month")
    return {
      before: days(period.first, -1).slice(0, 7),
      after: days(period.first, 32).slice(0, 7),
    };
  return { before: days(period.first, -1), after: days(period.last, 1) };
}
