// What needs a leader, in the order in which it does. Pure.

import type { Inbox, Order } from "../api/types";

export const SECTIONS = [
  "urgent",
  "own_service",
  "forwarded",
  "due",
  "promised",
  "returned_late",
  "overdue",
  "missed",
  "working",
] as const;
export type Section = (typeof SECTIONS)[number];

/** What the inbox does not name: cases about our own service, and what has a clock of its own. */
export interface Beside {
  readonly own_service: readonly Order[];
  readonly dispatched: readonly Order[];
  readonly promised: readonly Order[];
}

export interface Part {
  readonly section: Section;
  readonly orders: readonly Order[];
}

/** A dispatch is shown this long before it falls due. */
export const DISPATCH_SOON_S = 86_400;
/** A promise to a caller is shown this long before it falls due. */
export const PROMISE_SOON_S = 3600;

/** Whether somebody has said that this urgent order is in hand. */
export function isUnseen(order: Order): boolean {
  return order.urgent !== null && order.urgent.acknowledged_at === null;
}

function isOpenPromise(order: Order): boolean {
  return order.promise !== null && order.promise.kept_at === null;
}

/**
 * The sections that have something in them, each order in the first one that fits. `now`: seconds
 * of the PBX's clock, null while it is not known. `team` "" is every team.
 */
export function sections(
  inbox: Inbox,
  beside: Beside,
  team: string,
  now: (pbx: string) => number | null,
): readonly Part[] {
  const taken = new Set<string>();
  const soon = (order: Order, due_at: number | null | undefined, within_s: number) => {
    const at = now(order.pbx);
    return due_at != null && at !== null && due_at - at < within_s;
  };
  const candidates: Record<Section, readonly Order[]> = {
    urgent: [...inbox.urgent].filter(isUnseen).sort(bySince),
    own_service: beside.own_service.filter((order) => order.state !== "open"),
    forwarded: [...inbox.forwarded].sort(byForwarded),
    due: beside.dispatched
      .filter((order) => soon(order, order.dispatch?.due_at, DISPATCH_SOON_S))
      .sort((a, b) => (a.dispatch?.due_at ?? 0) - (b.dispatch?.due_at ?? 0)),
    promised: beside.promised
      .filter((order) => isOpenPromise(order) && soon(order, order.promise?.due_at, PROMISE_SOON_S))
      .sort((a, b) => (a.promise?.due_at ?? 0) - (b.promise?.due_at ?? 0)),
    returned_late: inbox.returned_late,
    overdue: inbox.overdue,
    missed: inbox.missed,
    working: inbox.urgent.filter((order) => !isUnseen(order)),
  };
  const parts: Part[] = [];
  for (const section of SECTIONS) {
    const orders = candidates[section].filter(
      (order) =>
        !taken.has(order.id) && (team === "" || order.team === null || order.team === team),
    );
    for (const { id } of orders) taken.add(id);
    if (orders.length > 0) parts.push({ section, orders });
  }
  return parts;
}

function bySince(a: Order, b: Order): number {
  return (a.urgent?.since_at ?? 0) - (b.urgent?.since_at ?? 0);
}

/** Those that nobody has seen first, the oldest at the top. */
function byForwarded(a: Order, b: Order): number {
  const seen = (order: Order) => (order.forwarded?.acknowledged_at == null ? 0 : 1);
  return seen(a) - seen(b) || (a.forwarded?.at ?? 0) - (b.forwarded?.at ?? 0);
}

/** How long it took until somebody acknowledged, in seconds; null while nobody did. */
export function acknowledgedAfter(order: Order): number | null {
  const { urgent, forwarded } = order;
  if (urgent?.acknowledged_at != null) return Math.max(0, urgent.acknowledged_at - urgent.since_at);
  if (forwarded?.acknowledged_at != null)
    return Math.max(0, forwarded.acknowledged_at - forwarded.at);
  return null;
}

/** Whether a leader has still to say that the order was seen. */
export function wantsAcknowledging(order: Order): boolean {
  return (
    isUnseen(order) || (order.state === "forwarded" && order.forwarded?.acknowledged_at == null)
  );
}

/** The id `by` places further in `ids`; from nowhere to the first or the last. */
export function stepped(ids: readonly string[], at: string | null, by: 1 | -1): string | null {
  if (ids.length === 0) return null;
  const index = at === null ? -1 : ids.indexOf(at);
  if (index < 0) return (by > 0 ? ids[0] : ids[ids.length - 1]) ?? null;
  return ids[Math.min(ids.length - 1, Math.max(0, index + by))] ?? null;
}

/** Urgent orders that nobody has seen and that were told about since `before` was asked. */
export function newlyTold(
  before: readonly Order[] | null,
  after: readonly Order[],
): readonly Order[] {
  const known = new Map((before ?? []).map((order) => [order.id, order.urgent?.told.length ?? 0]));
  return after.filter((order) => {
    if (!isUnseen(order)) return false;
    const times = known.get(order.id);
    return times === undefined || (order.urgent?.told.length ?? 0) > times;
  });
}
