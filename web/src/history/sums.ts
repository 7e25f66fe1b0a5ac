// Figures from sums: how a row of the metrics' table is made of the named sums of intervals, and how
// its value is written. Pure.

import { duration } from "../model/format";
import type { IntervalRow, Metric, Unit } from "./types";

/** The sums of several intervals together; marks as well. */
export function together(rows: readonly IntervalRow[]): {
  readonly sums: Readonly<Record<string, number>>;
  readonly gap: boolean;
} {
  const sums: Record<string, number> = {};
  for (const row of rows)
    for (const [name, value] of Object.entries(row))
      if (typeof value === "number" && name !== "at") sums[name] = (sums[name] ?? 0) + value;
  return { sums, gap: rows.some(({ gap }) => gap) };
}

/** A sum by its name in the table: intervals name times by `_s`, the table by `_us`. */
function sumOf(sums: Readonly<Record<string, number>>, name: string): number {
  const away = name.startsWith("-");
  const plain = away ? name.slice(1) : name;
  const value = sums[plain] ?? sums[plain.replace(/_us$/, "_s")] ?? 0;
  return away ? -value : value;
}

/** What a metric comes to; null where there is nothing to divide by. */
export function valueOf(metric: Metric, sums: Readonly<Record<string, number>>): number | null {
  const total = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + sumOf(sums, name), 0);
  const num = total(metric.num);
  if (metric.den.length === 0) return num;
  const den = total(metric.den);
  if (den <= 0) return null;
  return metric.unit === "per_hour" ? (num / den) * 3600 : num / den;
}

/** A figure as people read it: shares in percent with one place, rounded down. */
export function metricValue(unit: Unit, value: number | null): string {
  if (value === null) return "–";
  if (unit === "share") return `${(Math.floor(value * 1000 + 1e-6) / 10).toFixed(1)}%`;
  if (unit === "seconds") return value < 100 ? `${value.toFixed(1)} s` : duration(value);
  return unit === "per_hour" ? value.toFixed(1) : `${Math.round(value)}`;
}
