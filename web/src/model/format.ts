import type { Lang } from "../i18n";

function pad(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
}

/** Whole seconds as m:ss, from an hour on h:mm:ss; never negative. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const s = pad(whole % 60);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${s}`;
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${s}`;
}

/** As duration, but from an hour on without the seconds: `1h02`. */
export function shortDuration(seconds: number): string {
  if (seconds < 3600) return duration(seconds);
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}`;
}

/** A measured value: tenths of seconds below 100 s, m:ss above. */
export function measure(seconds: number): string {
  return Math.abs(seconds) < 100 ? `${seconds.toFixed(1)} s` : duration(seconds);
}

/** A limit: `10 s`, `2.5 s`, `15:00`. */
export function limit(seconds: number): string {
  // Limits come as differences of epoch times, which leave crumbs.
  const tenths = Math.round(seconds * 10) / 10;
  if (tenths >= 100) return duration(tenths);
  return `${Number.isInteger(tenths) ? tenths : tenths.toFixed(1)} s`;
}

/** `赵敏 8006` as name and staff number; the number is empty where there is none. */
export function splitPerson(agent: string): readonly [name: string, number: string] {
  const found = /^(.*\S)\s+(\d+)$/.exec(agent);
  return found === null ? [agent, ""] : [found[1] as string, found[2] as string];
}

/** 0..1 as a whole percentage, rounded down so that 100 % means all of them. */
export function percent(share: number): string {
  return `${Math.floor(share * 100 + 1e-9)}`;
}

/** A clock's offset in seconds, with its sign. */
export function offset(seconds: number): string {
  const rounded = Math.abs(seconds) < 10 ? seconds.toFixed(2) : seconds.toFixed(0);
  if (Number(rounded) === 0) return "0.00 s";
  return `${seconds < 0 ? "−" : "+"}${rounded.replace("-", "")} s`;
}

/** Where local time is `offset_s` ahead of UTC: `UTC+8`, `UTC−3:30`. */
export function zoneName(offset_s: number): string {
  const minutes = Math.round(Math.abs(offset_s) / 60);
  if (minutes === 0) return "UTC";
  const rest = minutes % 60;
  const sign = offset_s < 0 ? "−" : "+";
  return `UTC${sign}${Math.floor(minutes / 60)}${rest === 0 ? "" : `:${pad(rest)}`}`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * Formats moments of the place whose local time is `offset_s` ahead of UTC; null is the browser's.
 * Old browsers know no zones by their offset: the moment is moved instead, and read as UTC.
 */
function formatted(
  at: number,
  lang: Lang,
  offset_s: number | null,
  options: Intl.DateTimeFormatOptions,
): string {
  const zone = offset_s === null ? {} : { timeZone: "UTC" };
  const key = JSON.stringify([lang, zone, options]);
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(lang, { ...options, ...zone });
    formats.set(key, format);
  }
  return format.format((at + (offset_s ?? 0)) * 1000);
}

/** The time of day, 24 hours, where local time is `offset_s` ahead of UTC (null: the browser's). */
export function timeOfDay(
  at: number,
  lang: Lang,
  offset_s: number | null = null,
  withSeconds = true,
): string {
  return formatted(at, lang, offset_s, {
    hour: "2-digit",
    minute: "2-digit",
    ...(withSeconds ? { second: "2-digit" } : {}),
    hourCycle: "h23",
  });
}

/** The time of day where `at` is of the same day as `now`, else with its date before it. */
export function dayAndTime(
  at: number,
  now: number,
  lang: Lang,
  offset_s: number | null = null,
): string {
  const day = (moment: number) =>
    formatted(moment, lang, offset_s, { year: "numeric", month: "2-digit", day: "2-digit" });
  const time = timeOfDay(at, lang, offset_s, false);
  if (day(at) === day(now)) return time;
  return `${formatted(at, lang, offset_s, { month: "short", day: "numeric" })} ${time}`;
}
