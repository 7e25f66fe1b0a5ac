// What the shift leader's desk does by itself: asks again when told, sounds, and hears the keys.

import { effect } from "@preact/signals";
import { titleText } from "../desk/ui";
import { closeDialog, dialog as deskDialog } from "../desk/ui";
import { conflict, isTyping } from "../desk/state";
import { notify } from "../desk/notify";
import { audible, followSound, play } from "../desk/sound";
import { loadForm } from "../live/form";
import { type OneTab, tabsOf } from "../live/onetab";
import { loadMe } from "../live/session";
import { store } from "../live/store";
import { act } from "./actions";
import { heardAppeals } from "./appeals";
import { heardRoster } from "./duties";
import { actionOf } from "./hotkeys";
import {
  leads,
  loadBeside,
  loadFaults,
  loadHandovers,
  loadHistory,
  loadInbox,
  loadPeople,
  reloadOpened,
  shown,
  toldNow,
  unseenUrgent,
  waiting,
} from "./state";
import { closeShiftDialog, dialog } from "./ui";
import { shiftWords } from "./words";

/** Hints come in bursts; the first is heard at once, the rest together. */
const TOGETHER_MS = 1500;

let tabs: OneTab | null = null;

/** Start everything; the person is known by now. */
export function followShift(): void {
  if (!leads.peek()) return;
  tabs = tabsOf("shift");
  effect(() => tabs?.update({ able: audible.value && store.feed.value.is === "live" }));
  followSound();
  void loadForm();
  void loadPeople();
  store.onNews(onNews);
  effect(() => warn());
  followTitle();
  effect(() => {
    // Whoever changed the order, its history goes on.
    if (shown.value !== null && shown.value.version > 0) void loadHistory();
  });
  addEventListener("keydown", onKey);
}

/** Lists that change slowly are asked for no oftener than this. */
const SLOW_MS = 8000;
let slow: ReturnType<typeof setTimeout> | undefined;
let slowAsked = false;

function hearSlowly(): void {
  slowAsked = true;
  if (slow !== undefined) return;
  slowAsked = false;
  void loadBeside();
  slow = setTimeout(() => {
    slow = undefined;
    if (slowAsked) hearSlowly();
  }, SLOW_MS);
}

const pending = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

function onNews(topics: readonly string[] | null): void {
  if (topics === null) {
    for (const topic of ["inbox", "violations", "roster", "handover", "orders", "form"])
      pending.add(topic);
    void loadMe();
  } else for (const topic of topics) pending.add(topic);
  if (timer !== undefined) return;
  hear();
  timer = setTimeout(later, TOGETHER_MS);
}

function later(): void {
  timer = undefined;
  if (pending.size === 0) return;
  hear();
  timer = setTimeout(later, TOGETHER_MS);
}

function hear(): void {
  const has = (topic: string) => pending.has(topic);
  const inboxToo = has("inbox") || has("orders") || has("violations");
  const roster = has("roster");
  const handover = has("handover");
  const appeals = has("violations") || has("inbox");
  const form = has("form");
  pending.clear();
  if (form) void loadForm();
  if (inboxToo || roster) void loadInbox();
  if (inboxToo) hearSlowly();
  if (inboxToo) void reloadOpened();
  if (inboxToo) void loadFaults();
  if (appeals) heardAppeals();
  if (roster) heardRoster();
  if (handover) void loadHandovers();
}

function warn(): void {
  const told = toldNow.value;
  if (told.length === 0) return;
  const key = told.map(({ id, urgent }) => `${id} ${urgent?.told.length ?? 0}`).join(" ");
  tabs?.once(key, () => {
    // Before the first click or key browsers refuse, and complain of the attempt.
    if (navigator.userActivation?.hasBeenActive ?? true) play("breach");
    const t = shiftWords.peek();
    notify(t.notify.urgent(told.length), told.map(titleText).join(" · "), tabs);
  });
}

function followTitle(): void {
  effect(() => {
    const t = shiftWords.value;
    const urgent = unseenUrgent.value;
    const count = waiting.value;
    const name = count > 0 ? `(${count}) ${t.name}` : t.name;
    document.title = `${urgent > 0 ? t.notify.title(urgent, t.name) : name} – agentd`;
  });
}

/** The keys of the list and of the order that is open. */
export function onKey(event: KeyboardEvent): void {
  if (document.querySelector("[data-dialog]") !== null) {
    // A dialog has keys of its own, unless the focus was lost from it.
    if (event.key === "Escape" && document.activeElement === document.body) {
      closeShiftDialog();
      closeDialog();
      conflict.value = null;
    }
    return;
  }
  if (dialog.peek() !== null || deskDialog.peek() !== null || conflict.peek() !== null) return;
  const at = document.activeElement;
  const typing = isTyping();
  const action = actionOf(event, typing);
  if (action === null) return;
  if (action === "leave") {
    // First out of the field, then out of the order; what was typed stays.
    if (typing && at instanceof HTMLElement) at.blur();
    else if (document.querySelector(".account-panel:not([hidden])") === null) void act("leave");
    return;
  }
  const presses = at instanceof HTMLButtonElement || at instanceof HTMLAnchorElement;
  if (action === "open" && (presses || at?.tagName === "SUMMARY" || at?.tagName === "AUDIO"))
    return;
  if ((action === "next" || action === "previous") && at?.tagName === "AUDIO") return;
  event.preventDefault();
  void act(action);
}
