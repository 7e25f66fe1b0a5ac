// Drafts of a person in this browser, which others may use after them: given to the server.

import { api } from "../api/client";
import { newer, readDraft } from "../desk/draft";
import { forget, remembered } from "./remember";

/** Where the draft of an order is kept in this browser; nobody else's login leads there. */
export function draftKey(login: string, order: string): string {
  return `agentd.draft ${login} ${order}`;
}

function ordersOf(login: string): readonly string[] {
  const prefix = draftKey(login, "");
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
  let left = 0;
  for (const order of ordersOf(login)) if (!(await handOverOne(login, order))) left += 1;
  return left;
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
