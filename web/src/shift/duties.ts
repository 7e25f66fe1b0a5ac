// The roster of the week that is shown, and its changes.

import { computed, signal } from "@preact/signals";
import { api, type Problem } from "../api/client";
import type { Duty, Page } from "../api/types";
import { siteOffsetNow } from "../live/site";
import { store } from "../live/store";
import { DAY_S } from "../model/dates";
import { weekStart } from "./week";
import { loadDuties, loadInbox, tab } from "./state";

/** The working calendar's local time minus UTC. */
export const offset = computed(() => siteOffsetNow());

/** Weeks from this one: 0, 1 the next, −1 the one before. */
export const weeksAway = signal(0);
export const duties = signal<readonly Duty[] | null>(null);
export const dutyProblem = signal<Problem | null>(null);

/** Local midnight of the Monday shown; null before the server's time is known. */
export const monday = computed<number | null>(() => {
  const now = store.serverNow.value;
  return now === null ? null : weekStart(now, offset.value) + weeksAway.value * 7 * DAY_S;
});

let asked = 0;

export async function loadWeek(): Promise<void> {
  const from = monday.peek();
  if (from === null) return;
  asked += 1;
  const mine = asked;
  const answer = await loadDuties(from, from + 7 * DAY_S);
  if (mine !== asked) return;
  dutyProblem.value = answer.ok ? null : answer.problem;
  if (answer.ok) duties.value = answer.value.items;
}

/** Something in the roster has changed. */
export function heardRoster(): void {
  if (tab.peek() === "roster") void loadWeek();
}

/** Add, change and take out duties, all or none; null when it was done. */
export async function putDuties(
  put: readonly Duty[],
  remove: readonly string[],
): Promise<Problem | null> {
  const answer = await api<Page<Duty>>("roster", { method: "PUT", body: { put, delete: remove } });
  if (!answer.ok) return answer.problem;
  await Promise.all([loadWeek(), loadInbox()]);
  return null;
}

/** Import a file: how many duties came, or why none did. */
export async function importRoster(content: string): Promise<number | Problem> {
  const answer = await api<Page<Duty>>("roster/import", {
    method: "POST",
    text: { type: "text/csv", content },
  });
  if (!answer.ok) return answer.problem;
  await Promise.all([loadWeek(), loadInbox()]);
  return answer.value.items.length;
}
