// The steps of an order's life that a leader takes: what each asks for, and its command. Pure.

import type { Order, OrderCommand, Unit } from "../api/types";

export const STEPS = [
  "acknowledge",
  "complete",
  "dispatch",
  "urge",
  "answer",
  "tell",
  "close",
  "revisit",
  "return",
  "assign",
  "forward",
  "urgent",
  "not_urgent",
  "promise",
  "keep_promise",
  "merge",
  "note",
] as const;
export type Step = (typeof STEPS)[number];

/** Steps of one press: they say nothing that would have to be typed. */
export const AT_ONCE: readonly Step[] = ["acknowledge", "keep_promise", "urgent"];
/** Steps whose dialogs the agents' desk has. */
export const OF_THE_DESK: readonly Step[] = ["promise", "merge", "note", "not_urgent"];

export type FormStep = Exclude<
  Step,
  | "acknowledge"
  | "complete"
  | "keep_promise"
  | "urgent"
  | "promise"
  | "merge"
  | "note"
  | "not_urgent"
>;

/** What was typed into a step's form. `days` "" and `due` "": the unit's own time. */
export interface Typed {
  readonly unit: string;
  readonly person: string;
  readonly days: string;
  /** `datetime-local`; counts before `days`. */
  readonly due: string;
  readonly text: string;
  readonly satisfaction: number;
  readonly to: string;
}

export const NOTHING_TYPED: Typed = {
  unit: "",
  person: "",
  days: "",
  due: "",
  text: "",
  satisfaction: 0,
  to: "",
};

export type Place = keyof Typed;

/** The places of each step's form; those in `needed` must be filled. */
export const FORMS: Readonly<
  Record<FormStep, { readonly places: readonly Place[]; readonly needed: readonly Place[] }>
> = {
  dispatch: { places: ["unit", "person", "days", "due", "text"], needed: ["unit"] },
  urge: { places: ["text"], needed: [] },
  answer: { places: ["text"], needed: ["text"] },
  tell: { places: ["text"], needed: ["text"] },
  close: { places: ["text"], needed: [] },
  revisit: { places: ["satisfaction", "text"], needed: ["satisfaction"] },
  return: { places: ["text"], needed: ["text"] },
  assign: { places: ["to"], needed: ["to"] },
  forward: { places: ["text"], needed: ["text"] },
};

/** Days by which a unit has to answer when neither it nor the leader says. */
export function dueDays(units: readonly Unit[], key: string): number | null {
  return units.find((unit) => unit.key === key)?.due_days ?? null;
}

/** The first place that must be filled and is not; null when the step can be sent. */
export function lacks(step: FormStep, typed: Typed): Place | null {
  return (
    FORMS[step].needed.find((place) => {
      const value = typed[place];
      return typeof value === "number" ? value === 0 : value.trim() === "";
    }) ?? null
  );
}

/** The command. `due_at`: the moment that `typed.due` means, null when it says none. */
export function commandOf(step: FormStep, typed: Typed, due_at: number | null): OrderCommand {
  const text = typed.text.trim();
  switch (step) {
    case "dispatch": {
      const days = typed.days.trim();
      const when =
        due_at !== null ? { due_at } : days !== "" ? { due_days: Number(days) } : ({} as const);
      return {
        do: "dispatch",
        unit: typed.unit.trim(),
        person: typed.person.trim(),
        text,
        ...when,
      };
    }
    case "return":
    case "forward":
      return { do: step, reason: text };
    case "revisit":
      return { do: "revisit", satisfaction: typed.satisfaction, text };
    case "assign":
      return { do: "assign", to: typed.to };
    default:
      return { do: step, text };
  }
}

/** The place of the form that a refusal's `field` is about. */
export function placeOf(field: string): Place | null {
  const named: Readonly<Record<string, Place>> = {
    unit: "unit",
    person: "person",
    due_days: "days",
    due_us: "due",
    due_at: "due",
    text: "text",
    reason: "text",
    satisfaction: "satisfaction",
    to: "to",
  };
  return named[field] ?? null;
}

/** What comes next in the order's life, to be offered first. */
export function nextStep(order: Order, allowed: readonly string[]): Step | null {
  const unseen = order.urgent !== null && order.urgent.acknowledged_at === null;
  const byState: Readonly<Record<string, readonly Step[]>> = {
    completed: ["close", "tell"],
    forwarded: ["dispatch"],
    dispatched: ["answer"],
    answered: ["tell"],
    told: ["close"],
    closed: ["revisit"],
  };
  const wanted: readonly Step[] = [
    ...(unseen ? (["acknowledge"] as const) : []),
    ...(byState[order.state] ?? []),
  ];
  return wanted.find((step) => allowed.includes(step)) ?? null;
}
