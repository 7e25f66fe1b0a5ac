// The periods beside one, as the API is asked for them. Pure.

import type { Line, Period, Report } from "./types";

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

/** From which piece to before which something counts: hours before the first call and after the
 * last one are left out, days never. */
export function worked(report: Report, line: Line): readonly [first: number, end: number] {
  if (report.period.step !== "hour") return [0, report.pieces.length];
  const counts = line.pieces.map((piece) =>
    Object.values(piece).some(({ value }) => (value ?? 0) !== 0),
  );
  const first = counts.indexOf(true);
  return first === -1 ? [0, report.pieces.length] : [first, counts.lastIndexOf(true) + 1];
}
