// The agent's own day: figures, calls with their recordings, violations with appeals.

import { signal } from "@preact/signals";
import { api, items, type Problem } from "../api/client";
import type { CallLeg, Figures, JudgedViolation, Page } from "../api/types";
import { tab } from "./ui";

export const figures = signal<Figures | null>(null);
export const calls = signal<readonly CallLeg[] | null>(null);
export const violations = signal<readonly JudgedViolation[] | null>(null);
export const moreViolations = signal<string | null>(null);

/** Ask again for what is shown of it; the calls and violations only while they are looked at. */
export async function loadMine(): Promise<void> {
  const found = await api<Figures>("me/figures");
  if (found.ok) figures.value = found.value;
  if (tab.peek() !== "mine") return;
  const from = figures.peek()?.since_at;
  const [mine, judged] = await Promise.all([
    api<Page<CallLeg> | readonly CallLeg[]>("me/calls", { query: { from } }),
    api<Page<JudgedViolation>>("violations", { query: { person: "me" } }),
  ]);
  if (mine.ok) calls.value = [...items(mine.value)].sort((a, b) => b.ended_at - a.ended_at);
  if (judged.ok) {
    violations.value = items(judged.value);
    moreViolations.value = judged.value.next_cursor ?? null;
  }
}

export async function loadMoreViolations(): Promise<void> {
  const cursor = moreViolations.peek();
  if (cursor === null) return;
  const answer = await api<Page<JudgedViolation>>("violations", {
    query: { person: "me", cursor },
  });
  if (!answer.ok) return;
  violations.value = [...(violations.peek() ?? []), ...answer.value.items];
  moreViolations.value = answer.value.next_cursor;
}

/** Null when it was sent. */
export async function appeal(violation: string, reason: string): Promise<Problem | null> {
  const path = `violations/${encodeURIComponent(violation)}/appeal`;
  const answer = await api<JudgedViolation>(path, { method: "POST", body: { reason } });
  if (!answer.ok) return answer.problem;
  const judged = answer.value;
  violations.value = (violations.peek() ?? []).map((known) =>
    known.violation.id === judged.violation.id ? judged : known,
  );
  return null;
}
