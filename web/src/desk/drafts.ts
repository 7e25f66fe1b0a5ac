// Drafts at rest: in the browser with every key, on the server soon after. Whatever is newer counts.

import { signal } from "@preact/signals";
import { api } from "../api/client";
import { draftKey } from "../live/handover";
import { forget, remember, remembered } from "../live/remember";
import { me } from "../live/session";
import { type Draft, isEmpty, newer, readDraft } from "./draft";

const SERVER_AFTER_MS = 1500;
const AGAIN_AFTER_MS = 5000;

/** How the draft in hand is kept: `here` only in this browser yet, `server` on both. */
export const kept = signal<"nothing" | "here" | "server">("nothing");

const waiting = new Map<string, Draft>();
let timer: ReturnType<typeof setTimeout> | undefined;
let sending = false;

function key(order: string): string {
  return draftKey(me.peek()?.login ?? "", order);
}

function path(order: string): string {
  return `orders/${encodeURIComponent(order)}/draft`;
}

function stored(order: string): Draft | null {
  try {
    return readDraft(JSON.parse(remembered(key(order)) ?? "null"));
  } catch {
    return null;
  }
}

/** The draft of an order, from wherever it is newer; null when there is none. */
export async function loadDraft(order: string): Promise<Draft | null> {
  const here = stored(order);
  const answer = await api<unknown>(path(order));
  const there = answer.ok ? readDraft(answer.value) : null;
  const draft = newer(here, there);
  if (draft !== null && draft !== there) later(order, draft);
  kept.value = draft === null ? "nothing" : draft === there ? "server" : "here";
  return draft;
}

/** Keep a draft: at once here, on the server when the hands rest. An empty one is forgotten. */
export function keepDraft(order: string, draft: Draft): void {
  if (isEmpty(draft)) forget(key(order));
  else remember(key(order), JSON.stringify(draft));
  kept.value = isEmpty(draft) ? "nothing" : "here";
  later(order, draft);
}

/** The order was saved or completed: nothing is left to keep. */
export function dropDraft(order: string): void {
  waiting.delete(order);
  forget(key(order));
  kept.value = "nothing";
  void api(path(order), { method: "DELETE" });
}

function later(order: string, draft: Draft): void {
  waiting.set(order, draft);
  clearTimeout(timer);
  timer = setTimeout(() => void send(), SERVER_AFTER_MS);
}

async function send(): Promise<void> {
  if (sending) return;
  sending = true;
  for (const [order, draft] of [...waiting]) {
    const answer = await put(order, draft, false);
    // Refused for good (no longer ours, gone): it stays in this browser and is not sent again.
    const settled = answer.ok || (answer.problem.status >= 400 && answer.problem.status < 500);
    if (settled && waiting.get(order) === draft) {
      waiting.delete(order);
      if (answer.ok && kept.peek() === "here") kept.value = "server";
    }
  }
  sending = false;
  clearTimeout(timer);
  if (waiting.size > 0) timer = setTimeout(() => void send(), AGAIN_AFTER_MS);
}

function put(order: string, draft: Draft, leaving: boolean) {
  if (isEmpty(draft)) return api(path(order), { method: "DELETE", keepalive: leaving });
  return api(path(order), { method: "PUT", body: draft, keepalive: leaving });
}

/** What another tab of this desk typed into `order`; null when it sent or emptied it. */
export function onTyped(heard: (order: string, draft: Draft | null) => void): void {
  addEventListener("storage", ({ key: name, newValue }) => {
    const prefix = key("");
    if (name === null || !name.startsWith(prefix)) return;
    const order = name.slice(prefix.length);
    // This tab's older words must not be sent after the newer ones.
    waiting.delete(order);
    heard(order, newValue === null ? null : stored(order));
  });
}

/** Send what waits at once, when the page is left or the connection is back. */
export function followDrafts(): void {
  addEventListener("pagehide", () => {
    for (const [order, draft] of waiting) void put(order, draft, true);
  });
  addEventListener("online", () => void send());
}
