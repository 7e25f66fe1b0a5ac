// Moments as people at the call centre write them: of the site's zone, whatever zone the browser is
// in. Pure; `offset_s` is the site's local time minus UTC, seconds.

export const DAY_S = 86_400;

function iso(at: number, offset_s: number): string {
  return new Date(Math.round((at + offset_s) * 1000)).toISOString();
}

/** `2026-03-01`. */
export function dateOf(at: number, offset_s: number): string {
  return iso(at, offset_s).slice(0, 10);
}

/** `08:30`, `08:30:05` or `08:30:05.2`: rounded down, as clocks are. */
export function clockOf(at: number, offset_s: number, places: "m" | "s" | "t" = "m"): string {
  // What is a whole second but for the crumbs of a sum is that second.
  const text = iso(Math.floor((at + offset_s) * 10 + 0.001) / 10, 0);
  return text.slice(11, { m: 16, s: 19, t: 21 }[places]);
}

/** Local midnight of a date such as `2026-03-01`; null when it is none. */
export function midnightOf(date: string, offset_s: number): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return null;
  const at = Date.parse(`${date}T00:00:00Z`) / 1000;
  return Number.isNaN(at) || dateOf(at, 0) !== date ? null : at - offset_s;
}

/** `2026-03-01T08:30` (also with seconds, or only the date) as a moment; null when it is none. */
export function momentOf(text: string, offset_s: number): number | null {
  const [date = "", time = "00:00"] = text.split("T");
  const midnight = midnightOf(date, offset_s);
  const parts = /^(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(time);
  if (midnight === null || parts === null) return null;
  const [hours, minutes, seconds] = [Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 0)];
  if (hours > 23 || minutes > 59 || seconds > 59) return null;
  return midnight + hours * 3600 + minutes * 60 + seconds;
}

/** A moment as `datetime-local` writes it. */
export function inputOf(at: number, offset_s: number): string {
  return `${dateOf(at, offset_s)}T${clockOf(at, offset_s)}`;
}

/** The date `days` after `date`. */
export function dayAfter(date: string, days: number): string {
  return dateOf((midnightOf(date, 0) ?? 0) + days * DAY_S, 0);
}

/**
 * The day in which `at` lies: days begin when the shift does (`starts_s` seconds after local
 * midnight), and are called by the date on which they begin.
 */
export function dayOf(at: number, offset_s: number, starts_s: number): string {
  return dateOf(at - starts_s, offset_s);
}
