// When a figure takes colour.

import type { Strength } from "../model/types";

export interface Threshold {
  readonly warn: number;
  readonly breach: number;
}

/** By metric. Where `warn` is above `breach` low is bad, else high. Shares are 0..1. */
export type Thresholds = Readonly<Record<string, Threshold>>;

/** What was kept, or as much of it as can be read. */
export function readThresholds(value: unknown): Thresholds {
  const found: Record<string, Threshold> = {};
  const metrics = isRecord(value) && isRecord(value.metrics) ? value.metrics : {};
  for (const [key, limits] of Object.entries(metrics)) {
    if (!isRecord(limits)) continue;
    const { warn, breach } = limits;
    if (isNumber(warn) && isNumber(breach)) found[key] = { warn, breach };
  }
  return found;
}

/** As it is kept. */
export function writeThresholds(thresholds: Thresholds): unknown {
  return { metrics: thresholds };
}

/** The strength of a figure; calm without a limit, or without a figure. */
export function strengthOf(value: number | null, limits: Threshold | undefined): Strength {
  if (value === null || limits === undefined) return "calm";
  const sign = limits.warn > limits.breach ? -1 : 1;
  if (value * sign >= limits.breach * sign) return "breach";
  return value * sign >= limits.warn * sign ? "warning" : "calm";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
