// What keys and buttons do; one place, so that both always do the same.

import type { ExceptionKind } from "../api/types";
import { EXCEPTIONS } from "../api/types";
import { common } from "../i18n/common";
import type { Action } from "./hotkeys";
import {
  command,
  conflict,
  currentOrder,
  dial,
  isTyping,
  missing,
  mySeat,
  openOrder,
  owed,
  problem,
  say,
  seatCommand,
  settle,
  submit,
  view,
  write,
} from "./state";
import { dialog, pauseAsked, show, tab } from "./ui";
import { deskWords } from "./words";
import { loadMine } from "./ownday";

export async function act(action: Action): Promise<void> {
  if (action.is === "category") {
    chooseCategory(action.key);
    return;
  }
  const what = action.what;
  const exception = EXCEPTIONS.find((kind) => kind === what);
  if (exception !== undefined) await exempt(exception);
  else if (what === "complete") await complete();
  else if (what === "save") await save();
  else if (what === "open_current") await openCurrent();
  else if (what === "consent") await consent();
  else if (what === "urgent") await markUrgent();
  else if (what === "dial") await callBack();
  else if (what === "promise" || what === "note" || what === "merge") ask(what);
  else if (what === "next") step(1);
  else if (what === "previous") step(-1);
  else if (what === "ready") await ready();
  else if (what === "pause") pauseAsked.value += 1;
  else if (what === "mine") toggleMine();
  else if (what === "phrases") document.querySelector<HTMLElement>(".phrases summary")?.focus();
  else dialog.value = { is: "help" };
}

function mayDo(what: string): boolean {
  return view.peek()?.allowed.includes(what) ?? false;
}

export function chooseCategory(key: string): void {
  if (!mayDo("edit")) return;
  show("work");
  write("category", key);
  // The next thing to do is the first field that is empty; who is typing stays where they are.
  if (isTyping()) return;
  requestAnimationFrame(() => {
    const places = document.querySelectorAll<HTMLInputElement>(
      "[data-field] :is(input, textarea, select)",
    );
    [...places].find((place) => place.value === "")?.focus();
  });
}

/** Focus the first place that completion asks for. */
export function focusField(path: string): void {
  requestAnimationFrame(() => {
    const place = document.querySelector(`[data-field="${CSS.escape(path)}"]`);
    place?.querySelector<HTMLElement>("input, textarea, select, button")?.focus();
    place?.scrollIntoView({ block: "nearest" });
  });
}

export async function complete(): Promise<void> {
  const order = view.peek();
  if (order === null || !mayDo("complete")) return;
  const t = deskWords.peek().order;
  if (!(await submit("complete"))) {
    const first = missing.peek()[0];
    if (first !== undefined) focusField(first.field);
    return;
  }
  const after = view.peek();
  say(after?.forwarded !== null && after?.id === order.id ? t.completedForwarded : t.completed);
  const next = currentOrder.peek() ?? owed.peek().find(({ id }) => id !== order.id)?.id;
  if (next !== undefined && next !== order.id) await openOrder(next);
}

export async function save(): Promise<void> {
  if (mayDo("edit") && (await submit("edit"))) say(deskWords.peek().order.saved);
}

/** The person chose between two versions: do what had been asked before the difference was shown. */
export async function settleAndGoOn(
  choice: Readonly<Record<string, "mine" | "theirs">>,
): Promise<void> {
  const then = conflict.peek()?.then ?? null;
  settle(choice);
  if (then === "complete") await complete();
  else if (then === "edit") await save();
}

export async function openCurrent(): Promise<void> {
  const id = currentOrder.peek();
  if (id === null) return;
  show("work");
  await openOrder(id);
}

/** The order of the call, where it is open; else the one in hand. */
function ofTheCall(): string | null {
  return currentOrder.peek() ?? view.peek()?.id ?? null;
}

export async function consent(): Promise<void> {
  const id = ofTheCall();
  if (id !== null && (await command({ do: "consent" }, id)) === null)
    say(deskWords.peek().strip.consentNoted);
}

/** Why the agent had to end the call: of `id`, else of the call's order. Again: taken back. */
export async function exempt(kind: ExceptionKind, id = ofTheCall()): Promise<void> {
  if (id === null) return;
  const t = deskWords.peek().order;
  const shown = view.peek()?.id === id ? view.peek() : null;
  const taken = shown?.exemption?.kind === kind;
  if ((await command({ do: "exempt", kind: taken ? null : kind }, id)) !== null) return;
  const text = taken ? t.exceptionTaken : t.exceptionNoted(common.peek().exception[kind]);
  // It went to an order that is not the one in sight: say which.
  say(shown === null ? `${text} · ${t.orderNo} ${id}` : text);
}

export async function markUrgent(): Promise<void> {
  if (mayDo("not_urgent") && view.peek()?.urgent != null) dialog.value = { is: "not_urgent" };
  else if (mayDo("urgent") && (await command({ do: "urgent" })) === null)
    say(deskWords.peek().order.urgentDone);
}

/** The numbers that the order in hand can be called back at. */
export function numbersToCall(): readonly { readonly number: string; readonly label: string }[] {
  const order = view.peek();
  if (order === null) return [];
  if (order.numbers.length > 0) return order.numbers;
  return order.caller === null ? [] : [{ number: order.caller, label: "" }];
}

export async function callBack(number?: string): Promise<void> {
  const t = deskWords.peek().order;
  const numbers = numbersToCall();
  const to = number ?? (numbers.length === 1 ? numbers[0]?.number : undefined);
  if (to === undefined) {
    if (view.peek() !== null) dialog.value = { is: "dial" };
    return;
  }
  const how = await dial(to);
  if (how !== null) say(how === "placed" ? t.dialPlaced(to) : t.dialLink(to));
}

function ask(what: "promise" | "note" | "merge"): void {
  if (mayDo(what)) dialog.value = { is: what };
}

function step(by: 1 | -1): void {
  const list = owed.peek();
  const at = list.findIndex(({ id }) => id === view.peek()?.id);
  const next = list[at < 0 ? 0 : (at + by + list.length) % list.length];
  if (next === undefined) return;
  show("work");
  void openOrder(next.id);
}

export async function ready(): Promise<void> {
  if (mySeat.peek() !== null) await seatCommand("ready");
}

export function toggleMine(): void {
  show(tab.peek() === "mine" ? null : "mine");
  void loadMine();
}

export function dismissProblem(): void {
  problem.value = null;
}
