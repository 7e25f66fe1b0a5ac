// A line of an order's history, place by place: what each is called and what stood there, in words.

import type { Order, OrderChange } from "../api/types";
import { common } from "../i18n/common";
import { categoryName, form } from "../live/form";
import { labelText } from "../live/problem";
import { store } from "../live/store";
import { queueLabel } from "../ui/words";
import type { Value } from "./draft";
import { moment } from "./ui";

export interface ChangedPlace {
  readonly path: string;
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/** Where nothing stood, or nothing stands any more. */
export const NOTHING = "–";

type Place = keyof typeof common.value.place;

/** Places by path, entries of lists without their number. */
const PLACES: Readonly<Record<string, Place>> = {
  title: "title",
  state: "state",
  owner: "owner",
  team: "team",
  seat: "seat",
  queue: "queue",
  caller: "caller",
  due_us: "due",
  opened_us: "opened",
  completed_us: "completed",
  completed_by: "completedBy",
  overdue: "overdue",
  "numbers.number": "number",
  "numbers.label": "numberLabel",
  "notes.text": "note",
  "contacts.kind": "contact",
  "urgent.since_us": "urgent",
  "urgent.acknowledged_us": "acknowledged",
  "urgent.acknowledged_by": "acknowledgedBy",
  "urgent.told.to": "urgentTold",
  "urgent.unit_called": "unitCalled",
  "urgent.process": "process",
  "urgent.method": "method",
  "urgent.handled_by": "handledBy",
  "forwarded.to": "forwardedTo",
  "forwarded.why": "forwardedWhy",
  "forwarded.acknowledged_us": "acknowledged",
  "forwarded.acknowledged_by": "acknowledgedBy",
  "dispatch.unit": "unit",
  "dispatch.person": "person",
  "dispatch.due_us": "dispatchDue",
  "dispatch.text": "dispatchText",
  "dispatch.urged.text": "urged",
  "dispatch.reminded_us": "reminded",
  "answer.text": "answer",
  "told.text": "told",
  "closing.text": "closing",
  "returned.text": "returned",
  returned_from: "returnedFrom",
  "revisit.satisfaction": "satisfaction",
  "revisit.text": "revisit",
  "promise.text": "promise",
  "promise.due_us": "promiseDue",
  "promise.kept_us": "promiseKept",
  "promise.broken": "promiseBroken",
  "exemption.kind": "exemption",
  "consents.at_us": "consent",
  merged_into: "mergedInto",
  merged_from: "mergedFrom",
};
/** What the form asks for has its names there. */
const OF_THE_FORM = /^(fields\.|reply\.|category$|own_service$|external_no$)/;
/** What else changes is bookkeeping: ids, normal forms, who and when of what stands beside it. */
const STATES = new Set(["state", "returned_from"]);

/** The words for a place of the form, and for what stands there (desk/Conflict.tsx). */
export interface FormWords {
  readonly name: (path: string) => string;
  readonly value: (path: string, value: Value) => string;
}

type Leaf = readonly [path: string, before: unknown, after: unknown];

function isPart(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nothing(value: unknown): boolean {
  return value === null || value === undefined || value === "" || value === false;
}

/** The values inside a change: a part that was added or taken away as a whole, place by place. */
function leaves(path: string, before: unknown, after: unknown): readonly Leaf[] {
  if (Array.isArray(before) || Array.isArray(after)) {
    const [old, now] = [before ?? [], after ?? []] as [unknown[], unknown[]];
    const parts = [...old, ...now].some(isPart);
    if (!parts) return [[path, old.join(", "), now.join(", ")]];
    const count = Math.max(old.length, now.length);
    return Array.from({ length: count }, (_, at) => leaves(path, old[at], now[at])).flat();
  }
  if (!isPart(before) && !isPart(after)) return [[path, before, after]];
  const [old, now] = [isPart(before) ? before : {}, isPart(after) ? after : {}];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  return names.flatMap((name) => leaves(`${path}.${name}`, old[name], now[name]));
}

function unitName(key: string): string {
  const unit = form.value?.units.find((one) => one.key === key);
  return unit === undefined ? key : labelText(unit.label);
}

function words(path: string, value: unknown, order: Order): string {
  const c = common.value;
  if (path !== "revisit.satisfaction" && nothing(value)) return value === false ? c.no : NOTHING;
  if (value === true) return c.yes;
  if (path.endsWith("_us")) {
    const moments = String(value).split(", ").map(Number);
    return moments.map((at) => moment(at / 1_000_000, order.pbx)).join(", ");
  }
  const text = String(value);
  if (path === "queue") return queueLabel(order.pbx, text);
  if (path === "seat") return store.seat(`seat:${order.pbx}/${text}`)?.label ?? text;
  const named: Readonly<Record<string, string>> = STATES.has(path)
    ? c.orderState
    : path === "contacts.kind"
      ? c.contact
      : path === "exemption.kind"
        ? c.exception
        : {};
  if (path === "dispatch.unit" || path === "urgent.unit_called") return unitName(text);
  if (path === "forwarded.why") return categoryName(text, order.queue);
  return named[text] ?? text;
}

/** What a line of `order`'s history changed, in words; bookkeeping is left out. */
export function changedPlaces(
  change: OrderChange,
  order: Order,
  of: FormWords,
): readonly ChangedPlace[] {
  const found: ChangedPlace[] = [];
  const all = Object.entries(change.changed).flatMap(([path, [before, after]]) =>
    leaves(path, before, after),
  );
  for (const [whole, before, after] of all) {
    if (nothing(before) && nothing(after)) continue;
    if (OF_THE_FORM.test(whole)) {
      const said = (value: unknown) => {
        if (value === null || value === undefined || value === "") return NOTHING;
        return of.value(whole, typeof value === "boolean" ? value : String(value));
      };
      found.push({ path: whole, name: of.name(whole), before: said(before), after: said(after) });
      continue;
    }
    const path = whole.replace(/\.\d+(?=\.|$)/g, "");
    const place = PLACES[path];
    if (place === undefined) continue;
    found.push({
      path: whole,
      name: common.value.place[place],
      before: words(path, before, order),
      after: words(path, after, order),
    });
  }
  // One step can mean the same for two clocks: it is said once.
  return found.filter(
    (one, at) => found.findIndex((a) => a.name === one.name && a.after === one.after) === at,
  );
}

/** What was done, in words. */
export function commandWord(change: OrderChange): string {
  const named: Readonly<Record<string, string>> = common.value.command;
  return named[change.do] ?? change.do;
}
