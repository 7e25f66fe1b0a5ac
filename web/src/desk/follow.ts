// What the desk does by itself: asks again when told, follows the call, warns, and hears the keys.

import { effect } from "@preact/signals";
import { messages } from "../i18n";
import { loadForm } from "../live/form";
import { loadMe, me } from "../live/session";
import { type OneTab, tabsOf } from "../live/onetab";
import { store } from "../live/store";
import { concerns } from "../model/rules";
import type { Alert, Seat } from "../model/types";
import { stateWord } from "../ui/words";
import { act } from "./actions";
import { signalOf, titleOf } from "./countdown";
import { followDrafts } from "./drafts";
import { actionOf } from "./hotkeys";
import { loadMessages } from "./messages";
import { loadMine } from "./ownday";
import { notify } from "./notify";
import { currentCount, nextLimit } from "./now";
import { audible, followSound, play } from "./sound";
import {
  currentOrder,
  followCall,
  followOtherTabs,
  isTyping,
  liveSeat,
  loadOwed,
  refresh,
} from "./state";
import { dialog, keys, numberText, owedCounts, show } from "./ui";
import { deskWords } from "./words";

let tabs: OneTab | null = null;

/** Start everything; the person is known by now. */
export function followDesk(): void {
  tabs = tabsOf("desk");
  effect(() => tabs?.update({ able: audible.value && store.feed.value.is === "live" }));
  followDrafts();
  followOtherTabs();
  followSound();
  void loadForm();
  store.onNews(onNews);
  effect(() => {
    const seat = liveSeat.value;
    void followCall(seat);
  });
  effect(() => {
    // The call's order is what counts now; only who is typing is left in peace.
    if (currentOrder.value !== null && !isTyping()) show("work");
  });
  effect(() => {
    // The limits are shown when they pass, not up to a tick later.
    store.lookAt(liveSeat.value?.pbx ?? "", nextLimit.value);
  });
  followRinging();
  effect(() => warn(store.arrived.value));
  followTitle();
  addEventListener("keydown", onKey);
}

function onNews(topics: readonly string[] | null): void {
  const has = (topic: string) => topics === null || topics.includes(topic);
  if (has("seat") || has("me")) void loadMe();
  if (has("messages")) void loadMessages(tabs);
  if (has("orders")) {
    void loadOwed();
    void refresh();
  }
  if (has("orders") || has("violations")) void loadMine();
  if (topics === null) void loadForm();
}

function isMine(alert: Alert, seat: Seat | null): boolean {
  if (alert.person !== null) return alert.person === me.peek()?.login;
  return seat !== null && concerns(alert, seat);
}

function warn(arrived: readonly Alert[]): void {
  const seat = liveSeat.peek();
  const found = arrived
    .filter((alert) => alert.cleared_at === null && isMine(alert, seat))
    .map((alert) => ({ alert, what: signalOf(alert.level, alert.rule) }));
  const worst = found.find(({ what }) => what === "breach") ?? found.find(({ what }) => what);
  if (worst === undefined || worst.what === null) return;
  const { alert, what } = worst;
  tabs?.once(`${alert.pbx} ${alert.id} ${alert.level} ${alert.at}`, () => {
    play(what);
    const t = messages.peek();
    notify(
      deskWords.peek().notify.alert(t.level[alert.level], t.rule[alert.rule]),
      t.todo[alert.rule],
      tabs,
    );
  });
}

function followRinging(): void {
  let rung = "";
  effect(() => {
    const seat = liveSeat.value;
    const call = seat?.state === "ringing" ? (seat.call ?? "") : "";
    if (call !== "" && call !== rung) {
      const t = deskWords.peek();
      const title = t.notify.ringing(numberText(seat?.caller ?? null));
      tabs?.once(`ring ${call}`, () => notify(title, t.notify.ringingBody, tabs));
    }
    rung = call;
  });
}

function followTitle(): void {
  let shown = "";
  effect(() => {
    const t = messages.value;
    const seat = liveSeat.value;
    const live = seat !== null && !store.isStopped(seat.pbx);
    const count = live ? currentCount.value : null;
    const words = {
      name: `${deskWords.value.name} – agentd`,
      state: seat === null ? "" : stateWord(seat),
      breach: t.strength.breach,
      warning: t.strength.warning,
    };
    const title = titleOf(words, live ? seat.state : null, count, owedCounts.value);
    if (title !== shown) document.title = shown = title;
  });
}

function onKey(event: KeyboardEvent): void {
  // A dialog has keys of its own.
  if (document.querySelector("[data-dialog]") !== null || dialog.peek() !== null) return;
  if (event.key === "Escape" && isTyping() && document.activeElement instanceof HTMLElement) {
    if (!event.isComposing) document.activeElement.blur();
    return;
  }
  const action = actionOf(event, isTyping(), keys.peek());
  if (action === null) return;
  event.preventDefault();
  void act(action);
}
