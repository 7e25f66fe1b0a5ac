// What keys and buttons do; one place, so that both always do the same.

import type { Order } from "../api/types";
import { chooseCategory, focusField, save } from "../desk/actions";
import { busy, missing, problem, say, submit } from "../desk/state";
import { dialog as deskDialog, closeDialog } from "../desk/ui";
import { common } from "../i18n/common";
import { duration } from "../model/format";
import { chosen, isOwn, pending, toggle } from "./appeals";
import { acknowledgedAfter, stepped } from "./inbox";
import type { ShiftAction } from "./hotkeys";
import {
  beside,
  closePanel,
  cursor,
  give,
  inbox,
  loadBeside,
  loadInbox,
  open,
  opened,
  reloadOpened,
  showTab,
  shown,
  tab,
  TABS,
  tabs,
} from "./state";
import { AT_ONCE, type FormStep, OF_THE_DESK, type Step, STEPS } from "./steps";
import { closeShiftDialog, dialog, editing, refusal } from "./ui";
import { shiftWords } from "./words";

export { chooseCategory, closeDialog };

/** The rows that keys move through, as the page shows them. */
function rows(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-row]")];
}

/** Move to the row `by` further; the order beside the list follows. */
export function step(by: 1 | -1): void {
  const all = rows();
  const ids = all.map((row) => row.dataset.row ?? "");
  const next = stepped(ids, cursor.peek(), by);
  if (next === null) return;
  cursor.value = next;
  const row = all.find((one) => one.dataset.row === next);
  const into = row?.matches("button") ? row : row?.querySelector<HTMLElement>("[data-row-main]");
  (into ?? row)?.focus({ preventScroll: true });
  row?.scrollIntoView({ block: "nearest" });
  if (opened.peek() !== null && opened.peek() !== next && tab.peek() !== "appeals") void open(next);
}

/** The order that a key is about: the one where the keys are, else the one that is open. */
function target(): string | null {
  return cursor.peek() ?? opened.peek();
}

function known(id: string): Order | null {
  const box = inbox.peek();
  const all = [
    ...(box === null ? [] : [...box.urgent, ...box.forwarded, ...box.overdue, ...box.missed]),
    ...beside.peek().own_service,
  ];
  return all.find((order) => order.id === id) ?? null;
}

/** Say that the order was seen; how long that took is told. */
export async function acknowledge(id: string): Promise<void> {
  const answer = await give(id, { do: "acknowledge" });
  if (!answer.ok) {
    refusal.value = answer.problem;
    return;
  }
  refusal.value = null;
  const t = shiftWords.peek();
  const took = acknowledgedAfter(answer.value);
  say(took === null ? t.done.acknowledge : t.inbox.acknowledged(duration(took)));
}

/** Begin or do a step of the order that is open. */
export async function take(what: Step): Promise<void> {
  const order = shown.peek();
  if (order === null || busy.peek()) return;
  if (!order.allowed.includes(what)) {
    const t = shiftWords.peek();
    say(t.notNow(t.step[what], common.peek().orderState[order.state]), "note");
    return;
  }
  if (what === "acknowledge") {
    await acknowledge(order.id);
  } else if (what === "complete") {
    await complete();
  } else if (AT_ONCE.includes(what)) {
    const which = what === "urgent" ? "urgent" : "keep_promise";
    const answer = await give(order.id, { do: which });
    problem.value = answer.ok ? null : answer.problem;
    if (answer.ok) say(shiftWords.peek().done[which]);
  } else if (OF_THE_DESK.includes(what)) {
    deskDialog.value = { is: what as "promise" | "merge" | "note" | "not_urgent" };
  } else {
    dialog.value = { is: "step", step: what as FormStep, order: order.id };
  }
}

/** Complete for the agent; what is missing is named at its place in the form. */
async function complete(): Promise<void> {
  if (await submit("complete")) {
    editing.value = false;
    say(shiftWords.peek().done.complete);
    await Promise.all([loadInbox(), loadBeside(), reloadOpened()]);
    return;
  }
  const first = missing.peek()[0];
  if (first === undefined) return;
  editing.value = true;
  focusField(first.field);
}

/** As take, opening first the order where the keys are. */
async function takeThere(what: Step): Promise<void> {
  const id = target();
  if (id === null) return;
  if (what === "acknowledge" && (opened.peek() !== id || known(id) !== null)) {
    await acknowledge(id);
    return;
  }
  if (shown.peek()?.id !== id) await open(id);
  await take(what);
}

function callThere(): void {
  const link = document.querySelector<HTMLAnchorElement>(
    ".sl-panel a[href^='tel:'], [data-row][data-cursor=yes] a[href^='tel:']",
  );
  link?.click();
}

export async function act(action: ShiftAction): Promise<void> {
  const number = /^tab_(\d)$/.exec(action);
  if (number !== null) {
    const next = tabs.peek()[Number(number[1]) - 1];
    if (next !== undefined) showTab(next);
    return;
  }
  const one = STEPS.find((name) => name === action);
  if (one !== undefined) {
    if (tab.peek() === "inbox" || opened.peek() !== null || one === "acknowledge")
      await takeThere(one);
    return;
  }
  if (action === "next") step(1);
  else if (action === "previous") step(-1);
  else if (action === "open") {
    const id = cursor.peek();
    if (id !== null && tab.peek() !== "appeals") await open(id);
  } else if (action === "leave") leave();
  else if (action === "help") dialog.value = { is: "help" };
  else if (action === "call") callThere();
  else if (action === "edit") {
    if (shown.peek()?.allowed.includes("edit") === true) editing.value = !editing.peek();
  } else if (action === "search") {
    if (tabs.peek().includes(TABS[1])) showTab("orders");
    requestAnimationFrame(() => document.querySelector<HTMLElement>("#sl-q")?.focus());
  } else if (action === "send") {
    if (editing.peek()) await save();
  } else if (tab.peek() === "appeals") judge(action);
}

/** Keys of the appeals: select the one where the keys are, decide about all that are selected. */
function judge(action: ShiftAction): void {
  const here = pending.peek().find(({ violation }) => violation.id === cursor.peek());
  if (action === "select") {
    if (here !== undefined && !isOwn(here)) toggle(here.violation.id);
    return;
  }
  if (action !== "grant" && action !== "refuse") return;
  const mine = here !== undefined && !isOwn(here) ? [here.violation.id] : [];
  const ids = chosen.peek().length > 0 ? chosen.peek() : mine;
  if (ids.length > 0) dialog.value = { is: "decide", grant: action === "grant", ids };
}

function leave(): void {
  if (dialog.peek() !== null) closeShiftDialog();
  else if (opened.peek() !== null) {
    const id = opened.peek();
    closePanel();
    requestAnimationFrame(() => {
      const row = rows().find((one) => one.dataset.row === id);
      row?.querySelector<HTMLElement>("[data-row-main]")?.focus();
    });
  }
}
