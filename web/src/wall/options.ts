// How a wall is to look: what its address says goes before what supervisors set for all walls. Pure.

import type { Lang } from "../i18n";
import { langOf } from "../i18n";

export const PERIODS = ["shift", "today", "last_30_min"] as const;
export type Period = (typeof PERIODS)[number];

/** What supervisors set under the key `wall`. */
export interface WallSetting {
  /** How long each picture stays. */
  readonly seconds: number;
  /** Over which time figures are counted. */
  readonly period: Period;
  /** As `pbx/name`, in this order; none: all of them, the one in most trouble first. */
  readonly queues: readonly string[];
  /** All queues together are a picture of their own. */
  readonly overview: boolean;
  readonly chart: boolean;
}

export const SECONDS_MIN = 5;
export const SECONDS_MAX = 600;

export const DEFAULTS: WallSetting = {
  seconds: 15,
  period: "shift",
  queues: [],
  overview: true,
  chart: true,
};

export interface WallOptions extends WallSetting {
  /** Asked for by the address; a wall that visitors see is masked by agentd anyway. */
  readonly masked: boolean;
  readonly lang: Lang | null;
}

function seconds(value: unknown): number | null {
  const number = typeof value === "string" ? Number(value || Number.NaN) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) return null;
  return Math.min(SECONDS_MAX, Math.max(SECONDS_MIN, Math.round(number)));
}

/** What was set, or as much of it as can be read. */
export function readWallSetting(value: unknown): WallSetting {
  if (typeof value !== "object" || value === null) return DEFAULTS;
  const said = value as Record<string, unknown>;
  return {
    seconds: seconds(said.seconds) ?? DEFAULTS.seconds,
    period: PERIODS.find((name) => name === said.period) ?? DEFAULTS.period,
    queues: Array.isArray(said.queues)
      ? said.queues.filter((name): name is string => typeof name === "string")
      : [],
    overview: said.overview !== false,
    chart: said.chart !== false,
  };
}

/** The options of a wall whose address ends in `search`. */
export function wallOptions(search: string, set: WallSetting): WallOptions {
  const said = new URLSearchParams(search);
  const queues = (said.get("queues") ?? "").split(",").filter((name) => name !== "");
  return {
    ...set,
    seconds: seconds(said.get("seconds")) ?? set.seconds,
    period: PERIODS.find((name) => name === said.get("period")) ?? set.period,
    queues: queues.length > 0 ? queues : set.queues,
    masked: said.get("masked") === "1",
    lang: langOf(said.get("lang")),
  };
}
