// Days and moments as people write them, of the site: `offset_s` is its local time minus UTC, whatever
// zone the browser is in. Pure.

export const DAY_S = 86_400;

/** Local midnight (epoch seconds) of the day that `at` is in. */
export function dayStart(at: number, offset_s: number): number {
  return Math.floor((at + offset_s) / DAY_S) * DAY_S - offset_s;
}

/** `2026-03-01`, of local time. */
export function dateText(at: number, offset_s: number): string {
  return new Date((at + offset_s) * 1000).toISOString().slice(0, 10);
}

/** `08:30`, of local time. */
export function clockText(at: number, offset_s: number): string {
  return new Date((at + offset_s) * 1000).toISOString().slice(11, 16);
}

/** Local midnight of a date such as `2026-03-01`; null when it is none. */
export function dateStart(text: string, offset_s: number): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const at = Date.parse(`${text}T00:00:00Z`) / 1000;
  return Number.isNaN(at) || dateText(at, 0) !== text ? null : at - offset_s;
}

/** A moment of `datetime-local` (`2026-03-01T08:30`) in local time; null when it is none. */
export function momentOf(text: string, offset_s: number): number | null {
  const [date = "", time = ""] = text.split("T");
  const day = dateStart(date, offset_s);
  const hours = /^(\d{2}):(\d{2})(?::\d{2})?$/.exec(time);
  if (day === null || hours === null) return null;
  return day + Number(hours[1]) * 3600 + Number(hours[2]) * 60;
}

/** A moment as `datetime-local` writes it. */
export function inputText(at: number, offset_s: number): string {
  return `${dateText(at, offset_s)}T${clockText(at, offset_s)}`;
}
