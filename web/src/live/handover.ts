// Drafts of a person in this browser, which others may use after them: given to the server.

import { api } from "../api/client";
import type { Me } from "../api/types";
import { newer, readDraft } from "../desk/draft";
import { keptAside, putAside } from "./aside";
import { forget, remembered } from "./remember";

/** Where the draft of an order is kept in this browser; nobody else's login leads there. */
export function draftKey(login: string, order: string): string {
  return `agentd.draft ${login} ${order}`;
}

/** What else was typed and not sent: steps of orders, the log of a handover. */
export function asideKey(login: string, what: string): string {
  return `agentd.aside ${login} ${what}`;
}

/** What follows `prefix` in the names of what this browser keeps. */
function keptUnder(prefix: string): readonly string[] {
  try {
    const names = Array.from({ length: localStorage.length }, (_, at) => localStorage.key(at));
    return names
      .filter((name): name is string => name !== null && name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  } catch {
    return [];
  }
}

/** Send what is only here; what the server has is removed. How many drafts it did not take. */
export async function handOver(login: string): Promise<number> {
  let left = await handOverAside(login);
  for (const order of keptUnder(draftKey(login, "")))
    if (!(await handOverOne(login, order))) left += 1;
  return left;
}

/** What is no draft of an order's form goes with the account's settings. */
async function handOverAside(login: string): Promise<number> {
  const names = keptUnder(asideKey(login, ""));
  if (names.length === 0) return 0;
  const here = names.map((what) => [what, remembered(asideKey(login, what)) ?? ""] as const);
  const who = await api<Me>("me", { stay: true });
  if (!who.ok) return names.length;
  const { settings } = who.value;
  const all = { ...keptAside(settings), ...Object.fromEntries(here) };
  const body = putAside(settings, all);
  const answer = await api("me/settings", { method: "PUT", body, stay: true });
  if (!answer.ok) return names.length;
  for (const what of names) forget(asideKey(login, what));
  return 0;
}

async function handOverOne(login: string, order: string): Promise<boolean> {
  const key = draftKey(login, order);
  let draft: ReturnType<typeof readDraft> = null;
  try {
    draft = readDraft(JSON.parse(remembered(key) ?? "null"));
  } catch {
    draft = null;
  }
  if (draft !== null) {
    const path = `orders/${encodeURIComponent(order)}/draft`;
    const there = await api<unknown>(path, { stay: true });
    // What was typed on another computer since is not overwritten.
    if (newer(draft, there.ok ? readDraft(there.value) : null) === draft) {
      const answer = await api(path, { method: "PUT", body: draft, stay: true });
      if (!answer.ok) return false;
    }
  }
  forget(key);
  return true;
}
