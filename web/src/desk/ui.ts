// Small things that the desk's parts share: which view, which dialog, words for moments.

import { computed, signal } from "@preact/signals";
import type { JudgedViolation, Order, SeatView } from "../api/types";
import { lang } from "../i18n";
import { common } from "../i18n/common";
import { categoriesOf, form } from "../live/form";
import { me } from "../live/session";
import { siteOffset } from "../live/site";
import { store } from "../live/store";
import { dayAndTime, duration } from "../model/format";
import { queueLabel } from "../ui/words";
import { keymap } from "./hotkeys";
import type { Names } from "./phrases";
import { mySeat, owed, view } from "./state";
import { deskWords } from "./words";

export type Tab = "work" | "mine" | "seat";

const wanted = signal<Tab | null>(null);

/** What is shown: signing in comes first, unless the person asks for something else. */
export const tab = computed<Tab>(() => {
  if (wanted.value === "seat" && mySeat.value !== null) return "work";
  return wanted.value ?? (mySeat.value === null ? "seat" : "work");
});

export function show(next: Tab | null): void {
  wanted.value = next;
}

export type Dialog =
  | { readonly is: "help" | "sound" | "note" | "promise" | "dial" | "merge" | "not_urgent" }
  | { readonly is: "sign_out"; readonly done: readonly string[] | null }
  | { readonly is: "fault"; readonly seat: Pick<SeatView, "pbx" | "seat" | "label"> }
  | { readonly is: "appeal"; readonly violation: JudgedViolation };

export const dialog = signal<Dialog | null>(null);

export function closeDialog(): void {
  dialog.value = null;
}

/** The keys that count now: categories are those of the order in hand. */
export const keys = computed(() => keymap(categoriesOf(form.value, view.value?.queue ?? null)));

/** How often the pause menu was asked for by key. */
export const pauseAsked = signal(0);

/** The PBX's now, or the server's where the PBX is not known; whole seconds. */
export function nowOf(pbx: string | null): number | null {
  return pbx === null ? store.serverNow.value : store.second(pbx).value;
}

/** A moment of the PBX's clock in agentd's. */
function here(at: number, pbx: string | null): number {
  return at - (pbx === null ? 0 : (store.pbx(`pbx:${pbx}`)?.clock_offset_s ?? 0));
}

/** A moment of the PBX's clock as people read it; with the date when it is of another day. */
export function moment(at: number, pbx: string | null): string {
  // The day changes once a day: what is shown need not follow every tick.
  const now = store.serverNow.peek() ?? at;
  return dayAndTime(here(at, pbx), now, lang.value, siteOffset.value);
}

/** As moment, to the tenth of a second: what a verdict hangs on. */
export function exactMoment(at: number, pbx: string | null): string {
  const seconds = (Math.floor(here(at, pbx) * 10) / 10) % 60;
  return `${moment(at, pbx)}:${seconds.toFixed(1).padStart(4, "0")}`;
}

/** "3 minutes": how long ago a moment of the PBX's clock was. */
export function ago(at: number, pbx: string): string {
  const t = deskWords.value.ago;
  const gone = Math.max(0, (nowOf(pbx) ?? at) - at);
  if (gone < 60) return t.seconds(Math.floor(gone));
  if (gone < 3600) return t.minutes(Math.floor(gone / 60));
  if (gone < 48 * 3600) return t.hours(Math.floor(gone / 3600));
  return t.days(Math.floor(gone / 86_400));
}

export function numberText(number: string | null): string {
  return number ?? common.value.anonymous;
}

/** What agentd puts before the title of an urgent order, in every language. */
const URGENT_MARK = "【急件】";

/** The order's title, or what it is known by before it has one. */
export function titleText(order: Order): string {
  const c = common.value;
  const known = `${c.orderKind[order.kind]} ${numberText(order.caller)}`;
  if (order.title === "") return known;
  // Urgent before anything was written: the mark alone names nothing.
  return order.title === URGENT_MARK ? `${URGENT_MARK}${known}` : order.title;
}

export function dueText(order: Order): string {
  const t = deskWords.value.owed;
  if (order.due_at === null) return t.notYet;
  const now = nowOf(order.pbx);
  if (now === null) return "";
  return now >= order.due_at
    ? t.over(duration(now - order.due_at))
    : t.left(duration(order.due_at - now));
}

/** How many orders are owed, and how many of them are past their time. */
export const owedCounts = computed(() => {
  const overdue = owed.value.filter((order) => {
    const now = nowOf(order.pbx);
    return order.overdue || (order.due_at !== null && now !== null && now >= order.due_at);
  });
  return { all: owed.value.length, overdue: overdue.length };
});

/** What phrases may name: the agent's number, and the queue as people call it. */
export function namesOf(pbx: string | null, queue: string | null): Names {
  const label = pbx === null || queue === null ? (queue ?? "") : queueLabel(pbx, queue);
  return { login: me.value?.login ?? "", queue: label };
}
