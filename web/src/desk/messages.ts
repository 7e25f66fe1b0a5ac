// Messages from leaders: they stand on the desk until they are read.

import { signal } from "@preact/signals";
import { api, items } from "../api/client";
import type { Page } from "../api/types";
import type { OneTab } from "../live/onetab";
import { notify } from "./notify";
import { play } from "./sound";
import { problem } from "./state";
import { deskWords } from "./words";

export interface DeskMessage {
  readonly id: string;
  readonly to: string;
  readonly by: string;
  readonly by_name: string;
  /** By agentd's clock. */
  readonly at: number;
  readonly text: string;
  readonly level: "info" | "urgent";
  readonly read_at: number | null;
}

/** Those that were not read yet, the newest first. */
export const unread = signal<readonly DeskMessage[]>([]);

let known: ReadonlySet<string> | null = null;
let asked = 0;

export async function loadMessages(tabs: OneTab | null): Promise<void> {
  asked += 1;
  const mine = asked;
  const answer = await api<Page<DeskMessage>>("messages");
  if (!answer.ok || mine !== asked) return;
  const now = items(answer.value).filter(({ read_at }) => read_at === null);
  const before = known;
  known = new Set(now.map(({ id }) => id));
  unread.value = now;
  // What stood here when the page was opened is not news.
  if (before !== null)
    announce(
      now.filter(({ id }) => !before.has(id)),
      tabs,
    );
}

function announce(fresh: readonly DeskMessage[], tabs: OneTab | null): void {
  const first = fresh[0];
  if (first === undefined) return;
  tabs?.once(`message ${first.id}`, () => {
    if (fresh.some(({ level }) => level === "urgent")) play("warning");
    notify(deskWords.peek().message.from(first.by_name), first.text, tabs);
  });
}

/** The person has read it. */
export async function markRead(id: string): Promise<void> {
  const answer = await api<DeskMessage>(`messages/${encodeURIComponent(id)}/read`, {
    method: "POST",
  });
  if (!answer.ok && answer.problem.status !== 404) {
    problem.value = answer.problem;
    return;
  }
  unread.value = unread.peek().filter((message) => message.id !== id);
}
