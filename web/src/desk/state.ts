// What the desk knows and does: the seat, the orders that are owed, and the one in hand.

import { batch, computed, signal } from "@preact/signals";
import { type Answer, api, items, type Problem } from "../api/client";
import type { MySeat, Order, OrderChange, OrderCommand, OrderView, Page } from "../api/types";
import { loadMe, me } from "../live/session";
import { store } from "../live/store";
import type { Seat } from "../model/types";
import {
  afterSaving,
  type Clash,
  type Draft,
  editsOf,
  emptyDraft,
  isEmpty,
  joined,
  settled,
  typed,
  valueAt,
  type Value,
} from "./draft";
import { dropDraft, keepDraft, kept, loadDraft, onTyped } from "./drafts";

/** What was just asked of the seat and done, until the server's answers show it too. */
const done = signal<Pick<MySeat, "ready" | "pause_reason"> | null>(null);
/** Where the person is signed in; null for nowhere. */
export const mySeat = computed<MySeat | null>(() => {
  const seat = me.value?.seat ?? null;
  return seat === null || done.value === null ? seat : { ...seat, ...done.value };
});
/** The same seat as the live stream has it. */
export const liveSeat = computed<Seat | null>(() => {
  const seat = mySeat.value;
  return seat === null ? null : (store.seat(`seat:${seat.pbx}/${seat.seat}`) ?? null);
});

/** Unfinished orders that the person owes, the one due first at the top. */
export const owed = signal<readonly Order[]>([]);
/** The order in hand, and what was typed into it. */
export const view = signal<OrderView | null>(null);
export const draft = signal<Draft | null>(null);
export const problem = signal<Problem | null>(null);
/** Why the order could not be completed, by field path. */
export const missing = signal<OrderView["missing"]>([]);
export const busy = signal(false);
/** The order of the call that the seat is in; null while it has none yet. */
export const currentOrder = signal<string | null>(null);
/** Earlier orders of the caller whom the page is about. */
export const earlier = signal<{
  readonly number: string;
  readonly orders: readonly Order[];
} | null>(null);
/** Two people changed the same places: what to do is the person's choice. */
export const conflict = signal<{
  readonly order: OrderView;
  readonly clashes: readonly Clash[];
  readonly taken: readonly string[];
  readonly by: string | null;
  /** What was asked when it turned out; done once the choice is made. */
  readonly then: "complete" | "edit" | null;
} | null>(null);

/** Places that somebody else changed while the person was typing, and that were taken over. */
export const taken = signal<readonly string[]>([]);

export interface Said {
  readonly kind: "done" | "note";
  readonly text: string;
  readonly id: number;
}
/** One line about what was done just now. */
export const said = signal<Said | null>(null);
let saidCount = 0;

export function say(text: string, kind: Said["kind"] = "done"): void {
  saidCount += 1;
  said.value = { kind, text, id: saidCount };
}

function orderPath(id: string, rest = ""): string {
  return `orders/${encodeURIComponent(id)}${rest}`;
}

const UNFINISHED = "open,returned";

let owedAsked = 0;

export async function loadOwed(): Promise<void> {
  owedAsked += 1;
  const mine = owedAsked;
  const found: Order[] = [];
  let cursor: string | null = null;
  do {
    const answer: Answer<Page<Order>> = await api<Page<Order>>("orders", {
      query: { owner: "me", state: UNFINISHED, sort: "due", limit: 100, cursor },
    });
    // A later question is answered with what is newer.
    if (!answer.ok || mine !== owedAsked) return;
    found.push(...answer.value.items);
    cursor = answer.value.next_cursor;
  } while (cursor !== null);
  owed.value = found.sort(byDue);
}

/** Due first, then those whose time runs only from the end of the call, oldest first. */
function byDue(a: Order, b: Order): number {
  const late = Number.POSITIVE_INFINITY;
  const [x, y] = [a.due_at ?? late, b.due_at ?? late];
  return x === y ? a.opened_at - b.opened_at : x - y;
}

// --- the order in hand -------------------------------------------------------------------------

let asked = 0;
/** Whether the draft's newest words were typed in this tab, and not in another of the same desk. */
let typedHere = false;

/** Take an order in hand; what was typed into it before comes back with it. */
export async function openOrder(id: string): Promise<void> {
  asked += 1;
  const mine = asked;
  const [answer, found] = await Promise.all([api<OrderView>(orderPath(id)), loadDraft(id)]);
  if (mine !== asked) return;
  if (!answer.ok) {
    problem.value = answer.problem;
    return;
  }
  const order = answer.value;
  batch(() => {
    problem.value = null;
    missing.value = [];
    conflict.value = null;
    taken.value = [];
    unsent.value = null;
    typedHere = false;
    view.value = order;
    draft.value = found ?? emptyDraft(order);
    if (found !== null) join(order);
    setAside(order);
  });
  if (order.caller !== null) void loadEarlier(order.caller);
}

/** What was typed into an order that somebody else has completed meanwhile. */
export const unsent = signal<Draft | null>(null);

/** An order that cannot be changed shows what it says, and beside it what was not sent in time. */
function setAside(order: OrderView): void {
  if (order.allowed.includes("edit")) {
    unsent.value = null;
    return;
  }
  const now = draft.peek();
  if (now !== null && !isEmpty(now)) unsent.value = now;
  draft.value = emptyDraft(order);
}

/** Put the draft on the newest version where nothing clashes. */
function join(order: OrderView): ReturnType<typeof joined> | null {
  const now = draft.peek();
  if (now === null) return null;
  const result = joined(now, order);
  if (result.clashes.length === 0) {
    draft.value = result.draft;
    // A tab that only looks on writes nothing: it may be behind the one that is typed in.
    if (typedHere && !isEmpty(now)) keepDraft(order.id, result.draft);
    else if (isEmpty(result.draft)) kept.value = "nothing";
  }
  return result;
}

/** What is typed in another tab of this desk is seen in this one, so that neither loses it. */
export function followOtherTabs(): void {
  onTyped((id, typedThere) => {
    const order = view.peek();
    if (order === null || order.id !== id) return;
    const late = typedThere !== null && typedThere.at < (draft.peek()?.at ?? 0);
    // What was typed here goes when the order has it, and while it is being sent it stays.
    if (!late && (typedThere !== null || (!typedHere && !busy.peek()))) {
      typedHere = false;
      draft.value = typedThere ?? emptyDraft(order);
      kept.value = typedThere === null ? "nothing" : "here";
    }
    void refresh();
  });
}

/** Ask again for the order in hand: something about it has changed. */
export async function refresh(): Promise<void> {
  const before = view.peek();
  if (before === null) return;
  const answer = await api<OrderView>(orderPath(before.id));
  if (!answer.ok || view.peek()?.id !== before.id) return;
  adopt(answer.value);
}

function adopt(order: OrderView): void {
  const known = view.peek();
  if (known !== null && known.id === order.id && order.version < known.version) return;
  batch(() => {
    view.value = order;
    const result = join(order);
    setAside(order);
    const now = draft.peek();
    // Nothing is asked for any more: why the agent hung up first was given meanwhile.
    if (order.missing.length === 0) missing.value = [];
    if (result === null || now === null || result.taken.length === 0) return;
    missing.value = missing
      .peek()
      .filter(({ field }) => !result.taken.includes(field) || valueAt(now, field) === "");
    // What was typed is untouched; that the rest has changed must not go unnoticed.
    if (!isEmpty(now) && order.version !== known?.version) taken.value = result.taken;
  });
}

/** Whether the order in hand was changed by somebody else at a place where something was typed. */
export const clashing = computed<readonly Clash[]>(() => {
  const [order, now] = [view.value, draft.value];
  if (order === null || now === null || order.version === now.version) return [];
  return joined(now, order).clashes;
});

export function write(path: string, value: Value): void {
  const [order, now] = [view.peek(), draft.peek()];
  if (order === null || now === null) return;
  typedHere = true;
  const next = typed(now, path, value, store.serverNow.peek() ?? 0);
  batch(() => {
    draft.value = next;
    missing.value = missing.peek().filter(({ field }) => field !== path);
  });
  keepDraft(order.id, next);
}

/** Send what was typed: `edit` only saves, `complete` also completes. True when it was done. */
export async function submit(what: "edit" | "complete"): Promise<boolean> {
  const [order, now] = [view.peek(), draft.peek()];
  if (order === null || now === null || busy.peek()) return false;
  if (what === "edit" && isEmpty(now)) return true;
  busy.value = true;
  const answer = await api<OrderView>(orderPath(order.id, "/commands"), {
    method: "POST",
    body: { do: what, ...editsOf(now) } satisfies OrderCommand,
    version: now.version,
  });
  busy.value = false;
  if (!answer.ok) return refused(answer.problem, order, what);
  const left = afterSaving(now, draft.peek() ?? now, answer.value);
  batch(() => {
    problem.value = null;
    missing.value = [];
    unsent.value = null;
    view.value = answer.value;
    draft.value = left;
  });
  taken.value = [];
  if (isEmpty(left) || !answer.value.allowed.includes("edit")) dropDraft(order.id);
  else keepDraft(order.id, left);
  void loadOwed();
  return true;
}

/** True when it was done after all. */
async function refused(
  found: Problem,
  order: OrderView,
  what: "edit" | "complete",
): Promise<boolean> {
  if (found.status === 412) return compare(found.current, order.id, what);
  batch(() => {
    missing.value = found.missing;
    problem.value = found.missing.length > 0 ? null : found;
  });
  return false;
}

/**
 * Show what somebody else changed meanwhile. Where nobody changed a place of the form it goes on by
 * itself: true when it was done.
 */
export async function compare(
  current: OrderView | null,
  id: string,
  then: "complete" | "edit" | null,
): Promise<boolean> {
  let order = current;
  if (order === null) {
    const answer = await api<OrderView>(orderPath(id));
    if (!answer.ok) {
      problem.value = answer.problem;
      return false;
    }
    order = answer.value;
  }
  const now = draft.peek();
  if (now === null || view.peek()?.id !== id) return false;
  const result = joined(now, order);
  view.value = order;
  if (result.clashes.length === 0 && result.taken.length === 0) {
    join(order);
    return then !== null && submit(then);
  }
  const history = await api<Page<OrderChange> | readonly OrderChange[]>(orderPath(id, "/history"));
  const by = history.ok
    ? [...items(history.value)]
        .sort((a, b) => b.version - a.version)
        .find((change) => change.by !== null && change.by !== me.peek()?.login)?.by
    : null;
  conflict.value = {
    order,
    clashes: result.clashes,
    taken: result.taken,
    by: by ?? null,
    then,
  };
  return false;
}

/** The person chose: the draft goes on from the newest version. */
export function settle(choice: Readonly<Record<string, "mine" | "theirs">>): void {
  const [found, now] = [conflict.peek(), draft.peek()];
  if (found === null || now === null) return;
  const next = settled(now, found.order, choice);
  batch(() => {
    view.value = found.order;
    draft.value = next;
    conflict.value = null;
  });
  keepDraft(found.order.id, next);
}

/** A command that touches none of the form's places; null when it was done. */
export async function command(body: OrderCommand, id?: string): Promise<Problem | null> {
  const order = id ?? view.peek()?.id;
  if (order === undefined) return null;
  const answer = await api<OrderView>(orderPath(order, "/commands"), { method: "POST", body });
  if (!answer.ok) {
    problem.value = answer.problem;
    return answer.problem;
  }
  problem.value = null;
  if (view.peek()?.id === answer.value.id) adopt(answer.value);
  void loadOwed();
  return null;
}

// --- the call ----------------------------------------------------------------------------------

/** Whether somebody is writing: nothing may then take the form away from under their hands. */
export function isTyping(): boolean {
  const at = document.activeElement;
  return (
    at instanceof HTMLTextAreaElement ||
    at instanceof HTMLSelectElement ||
    (at instanceof HTMLInputElement && !["checkbox", "radio", "button"].includes(at.type))
  );
}

const LOOK_AGAIN_MS = 1000;
const LOOKS = 10;
let call = "";

/** The seat is in another call (or none): find its order, and open it unless somebody is typing. */
export async function followCall(seat: Seat | null): Promise<void> {
  const ringing = seat?.state === "ringing" || seat?.state === "offered";
  const now = seat === null || seat.call === null || ringing ? "" : `${seat.pbx}\n${seat.call}`;
  if (ringing && seat.caller !== null) void loadEarlier(seat.caller);
  if (now === call) return;
  call = now;
  currentOrder.value = null;
  if (seat === null || seat.call === null || now === "") return;
  for (let look = 0; look < LOOKS && call === now; look += 1) {
    const found = await orderOfCall(seat.pbx, seat.call);
    if (found !== null) {
      if (call !== now) return;
      currentOrder.value = found.id;
      void loadOwed();
      if (!isTyping() && view.peek()?.id !== found.id) await openOrder(found.id);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

async function orderOfCall(pbx: string, id: string): Promise<Order | null> {
  const path = `orders/by-call/${encodeURIComponent(pbx)}/${encodeURIComponent(id)}`;
  const answer = await api<Order>(path);
  return answer.ok ? answer.value : null;
}

export async function loadEarlier(number: string): Promise<void> {
  const answer = await api<Page<Order> | readonly Order[]>(
    `callers/${encodeURIComponent(number)}/orders`,
    { query: { limit: 10 } },
  );
  if (answer.ok) earlier.value = { number, orders: items(answer.value) };
}

// --- the seat ----------------------------------------------------------------------------------

/** Ask Presence; null when it was done. */
export async function seatCommand(what: string, body: object = {}): Promise<Problem | null> {
  const answer = await api<unknown>(`seat/${what}`, { method: "POST", body });
  if (!answer.ok) {
    problem.value = answer.problem;
    return answer.problem;
  }
  problem.value = null;
  if (what === "ready") expect({ ready: true, pause_reason: null });
  if (what === "pause" && "reason" in body)
    expect({ ready: false, pause_reason: String(body.reason) });
  await loadMe();
  return null;
}

const BELIEVED_MS = 3000;
let believed: ReturnType<typeof setTimeout> | undefined;

/** The PBX did it; its events, from which the server answers, may come a moment later. */
function expect(seat: Pick<MySeat, "ready" | "pause_reason">): void {
  done.value = seat;
  clearTimeout(believed);
  believed = setTimeout(() => {
    void loadMe().then(() => {
      done.value = null;
    });
  }, BELIEVED_MS);
}

/** Call `number` from the person's phone; where agentd may not, the browser's own phone link. */
export async function dial(number: string): Promise<"placed" | "link" | null> {
  const answer = await api<{ how: "placed" | "link"; number: string }>("seat/dial", {
    method: "POST",
    body: { number },
  });
  if (!answer.ok) {
    problem.value = answer.problem;
    return null;
  }
  problem.value = null;
  if (answer.value.how === "link") location.href = `tel:${answer.value.number}`;
  return answer.value.how;
}
