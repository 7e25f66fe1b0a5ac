// Figures of the metrics' table: what the stream says of them, and what they are called.

import { signal } from "@preact/signals";
import { api, items } from "../api/client";
import type { Page } from "../api/types";
import { labelText } from "../live/problem";
import { duration, percent } from "../model/format";
import type { Figure, Figures } from "../model/types";
import type { MetricRow } from "./types";
import { board } from "./words";

export const WINDOWS = ["last_30_min", "shift", "today"] as const;
export type Window = (typeof WINDOWS)[number];

/** The table, by key; empty while agentd has none. */
export const metrics = signal<ReadonlyMap<string, MetricRow>>(new Map());

export async function loadMetrics(): Promise<void> {
  const answer = await api<Page<MetricRow> | readonly MetricRow[]>("metrics");
  if (!answer.ok) return;
  metrics.value = new Map(items(answer.value).map((row) => [row.key, row]));
}

/** Name and formula of a metric: agentd's words, else ours. */
export function wordsOf(key: string): { readonly name: string; readonly formula: string } {
  const row = metrics.value.get(key);
  const own = board.value.metric[key as keyof typeof board.value.metric] ?? [key, ""];
  // On a card the short name is the one that people know it by.
  const [name = key, formula = ""] = own;
  return row === undefined
    ? { name, formula }
    : { name, formula: `${labelText(row.name)} = ${labelText(row.formula)}` };
}

const SECONDS: ReadonlySet<string> = new Set(["asa", "longest_wait", "aht", "talk", "hold", "acw"]);
const SHARES: ReadonlySet<string> = new Set([
  "service_level",
  "connect_rate",
  "within_rings",
  "occupancy",
]);

/** The unit of a metric, also before the table has come. */
export function unitOf(key: string): string {
  const row = metrics.value.get(key);
  if (row !== undefined) return row.unit;
  if (SHARES.has(key) || key.startsWith("compliance:")) return "share";
  return SECONDS.has(key) ? "seconds" : "count";
}

/** A figure's value as people read it; a dash where there is none. */
export function shown(key: string, value: number | null): string {
  if (value === null) return board.value.queue.absent;
  switch (unitOf(key)) {
    case "share":
      return `${percent(value)}%`;
    case "seconds":
      return value < 60 ? `${Math.round(value)} s` : duration(value);
    case "per_hour":
      return value.toFixed(1);
    default:
      return `${Math.round(value)}`;
  }
}

/** The same beside a figure of today, whose unit it has: the number alone. */
export function bare(key: string, value: number | null): string {
  if (value === null) return board.value.queue.absent;
  if (unitOf(key) === "share") return percent(value);
  return unitOf(key) === "seconds" && value < 60 ? `${Math.round(value)}` : shown(key, value);
}

/** The figure of a window (`today`, `today@yesterday` …), if there is one. */
export function figureOf(
  figures: Figures | undefined,
  window: string,
  key: string,
): Figure | undefined {
  return figures?.windows.get(window)?.get(key);
}
