// From the fields of the settings to what agentd keeps, and back. Pure. A field that says nothing
// leaves it to the configuration; what cannot be read is told at its field.

import { DEFAULTS, PERIODS, readWallSetting, SECONDS_MAX, SECONDS_MIN } from "../wall/options";

/** Texts of the fields, by name. */
export type Fields = Readonly<Record<string, string>>;
/** What is wrong, by the field's name. */
export type Wrong = Readonly<Record<string, WrongCode>>;
export type WrongCode = "number" | "both" | "three" | "range";

export interface Read {
  readonly value: unknown;
  readonly wrong: Wrong;
}

type Raw = Readonly<Record<string, unknown>>;

function raw(value: unknown): Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Raw) : {};
}

/** A number as people write it, `,` for the point as well; null where it is none. */
export function numberOf(text: string): number | null {
  const plain = text.trim().replace("，", ".").replace(",", ".").replace(/%$/, "");
  if (plain === "") return null;
  const value = Number(plain);
  return Number.isFinite(value) ? value : null;
}

/** A number without the crumbs of binary fractions. */
function text(value: number, scale: number): string {
  return `${Math.round(value * scale * 1e6) / 1e6}`;
}

function scaled(value: number, scale: number): number {
  return Math.round((value / scale) * 1e9) / 1e9;
}

// --- thresholds ----------------------------------------------------------------------------------

export const SIDES = ["warn", "breach"] as const;

/** `scales`: by metric, 100 where shares are written as percentages. */
export function thresholdFields(value: unknown, scales: Readonly<Record<string, number>>): Fields {
  const metrics = raw(raw(value).metrics);
  return Object.fromEntries(
    Object.entries(scales).flatMap(([key, scale]) =>
      SIDES.map((side) => {
        const limit = raw(metrics[key])[side];
        return [`metrics.${key}.${side}`, typeof limit === "number" ? text(limit, scale) : ""];
      }),
    ),
  );
}

/** What is kept of `fields`; metrics that are not among them stay as they were in `before`. */
export function readThresholdFields(
  fields: Fields,
  scales: Readonly<Record<string, number>>,
  before: unknown,
): Read {
  const metrics: Record<string, unknown> = { ...raw(raw(before).metrics) };
  const wrong: Record<string, WrongCode> = {};
  for (const [key, scale] of Object.entries(scales)) {
    const names = SIDES.map((side) => `metrics.${key}.${side}`);
    const said = names.map((name) => (fields[name] ?? "").trim());
    delete metrics[key];
    if (said.every((one) => one === "")) continue;
    const limits = said.map(numberOf);
    for (const [at, name] of names.entries()) {
      if (said[at] === "") wrong[name] = "both";
      else if (limits[at] === null) wrong[name] = "number";
    }
    const [warn, breach] = limits;
    if (typeof warn === "number" && typeof breach === "number")
      metrics[key] = { warn: scaled(warn, scale), breach: scaled(breach, scale) };
  }
  return { value: { metrics }, wrong };
}

// --- surge ---------------------------------------------------------------------------------------

export const SURGE_MEASURES = [
  { key: "waiting", scale: 1 },
  { key: "longest_wait_s", scale: 1 },
  { key: "service_level", scale: 100 },
] as const;
export const SURGE_LEVELS = [1, 2, 3] as const;
const NUMBERS = ["service_level_min_calls", "calm_s", "fold_level"] as const;

/** The limits of one place (`default`, `queues.hotline`); `.off`: the measure does not count. */
function stepFields(at: string, limits: Raw): [string, string][] {
  return SURGE_MEASURES.flatMap(({ key, scale }) => {
    const steps = limits[key];
    const found = Array.isArray(steps) ? steps : [];
    return [
      ...SURGE_LEVELS.map((level): [string, string] => {
        const step: unknown = found[level - 1];
        return [`${at}.${key}.${level}`, typeof step === "number" ? text(step, scale) : ""];
      }),
      [`${at}.${key}.off`, steps === null ? "yes" : ""],
    ];
  });
}

export function surgeFields(value: unknown): Fields {
  const said = raw(value);
  const queues = Object.entries(raw(said.queues));
  return Object.fromEntries([
    ...stepFields("default", raw(said.default)),
    ...queues.flatMap(([name, limits]) => stepFields(`queues.${name}`, raw(limits))),
    ...NUMBERS.map((key) => [key, typeof said[key] === "number" ? `${said[key]}` : ""]),
  ]);
}

function readSteps(at: string, fields: Fields, wrong: Record<string, WrongCode>): Raw {
  const limits: Record<string, unknown> = {};
  for (const { key, scale } of SURGE_MEASURES) {
    if (fields[`${at}.${key}.off`] === "yes") {
      limits[key] = null;
      continue;
    }
    const said = SURGE_LEVELS.map((level) => (fields[`${at}.${key}.${level}`] ?? "").trim());
    if (said.every((one) => one === "")) continue;
    const steps = said.map(numberOf);
    if (said.some((one) => one === "")) wrong[`${at}.${key}`] = "three";
    else if (steps.some((step) => step === null)) wrong[`${at}.${key}`] = "number";
    else limits[key] = steps.map((step) => scaled(step ?? 0, scale));
  }
  return limits;
}

/** What is kept of `fields`, with limits of their own for `queues`. */
export function readSurgeFields(fields: Fields, queues: readonly string[]): Read {
  const wrong: Record<string, WrongCode> = {};
  const value: Record<string, unknown> = {
    default: readSteps("default", fields, wrong),
    queues: Object.fromEntries(
      queues.map((name) => [name, readSteps(`queues.${name}`, fields, wrong)]),
    ),
  };
  for (const key of NUMBERS) {
    const said = (fields[key] ?? "").trim();
    if (said === "") continue;
    const number = numberOf(said);
    if (number === null) wrong[key] = "number";
    else value[key] = number;
  }
  return { value, wrong };
}

/** The queues that have limits of their own. */
export function surgeQueues(value: unknown): string[] {
  return Object.keys(raw(raw(value).queues)).sort();
}

// --- the wall ------------------------------------------------------------------------------------

export function wallFields(value: unknown): Fields {
  const { seconds, period, queues, overview, chart } = readWallSetting(value);
  return {
    seconds: `${seconds}`,
    period,
    overview: overview ? "yes" : "",
    chart: chart ? "yes" : "",
    queues: queues.join("\n"),
  };
}

export function readWallFields(fields: Fields): Read {
  const seconds = numberOf(fields.seconds ?? "");
  const wrong: Record<string, WrongCode> = {};
  if (seconds === null) wrong.seconds = "number";
  else if (seconds < SECONDS_MIN || seconds > SECONDS_MAX) wrong.seconds = "range";
  return {
    value: {
      seconds: seconds ?? DEFAULTS.seconds,
      period: PERIODS.find((name) => name === fields.period) ?? DEFAULTS.period,
      overview: fields.overview === "yes",
      chart: fields.chart === "yes",
      queues: (fields.queues ?? "").split("\n").filter((name) => name !== ""),
    },
    wrong,
  };
}
