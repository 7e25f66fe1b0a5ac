// What the desk does by itself: asks again when told, follows the call, warns, and hears the keys.

import { effect } from "@preact/signals";
import { messages } from "../i18n";
import { loadForm } from "../live/form";
import { loadMe, me } from "../live/session";
import { store } from "../live/store";
import { concerns } from "../model/rules";
import type { Alert, Seat } from "../model/types";
import { stateWord } from "../ui/words";
import { act } from "./actions";
import { countdown, signalOf, titleOf } from "./countdown";
import { followDrafts } from "./drafts";
import { actionOf } from "./hotkeys";
import { loadMessages } from "./messages";
import { loadMine } from "./ownday";
import { notify } from "./notify";
import { followSound, play } from "./sound";
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

/** Start everything; the person is known by now. */
export function followDesk(): void {
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
  followRinging();
  effect(() => warn(store.arrived.value));
  followTitle();
  addEventListener("keydown", onKey);
}

function onNews(topics: readonly string[] | null): void {
  const has = (topic: string) => topics === null || topics.includes(topic);
  if (has("seat") || has("me")) void loadMe();
  if (has("messages")) void loadMessages();
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
  play(worst.what);
  const t = messages.peek();
  notify(
    deskWords.peek().notify.alert(t.level[worst.alert.level], t.rule[worst.alert.rule]),
    t.todo[worst.alert.rule],
  );
}

function followRinging(): void {
  let rung = "";
  effect(() => {
    const seat = liveSeat.value;
    const call = seat?.state === "ringing" ? (seat.call ?? "") : "";
    if (call !== "" && call !== rung) {
      const t = deskWords.peek();
      notify(t.notify.ringing(numberText(seat?.caller ?? null)), t.notify.ringingBody);
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
    const count = live ? countdown(seat.clock, store.second(seat.pbx).value) : null;
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
