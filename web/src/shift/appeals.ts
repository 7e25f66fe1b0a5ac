// Appeals: what is selected, what was decided lately, and the decisions.

import { batch, computed, signal } from "@preact/signals";
import { api, type Problem } from "../api/client";
import type { JudgedViolation, Page } from "../api/types";
import { me } from "../live/session";
import { store } from "../live/store";
import { DAY_S } from "../model/dates";
import { inbox, loadInbox, tab, teamShown } from "./state";
import { allViolations } from "./state";

export const pending = computed<readonly JudgedViolation[]>(() => inbox.value?.appeals ?? []);

export const selected = signal<ReadonlySet<string>>(new Set());
/** Decided in the last days, the newest decision first; null before they were asked for. */
export const recent = signal<readonly JudgedViolation[] | null>(null);

const RECENT_DAYS = 7;
const RECENT_SHOWN = 30;

/** Nobody decides about oneself. */
export function isOwn(judged: JudgedViolation): boolean {
  return judged.owner !== null && judged.owner === me.value?.login;
}

export function toggle(id: string): void {
  const now = new Set(selected.peek());
  if (!now.delete(id)) now.add(id);
  selected.value = now;
}

/** Select every one that the person may decide, or none when all are. */
export function toggleAll(): void {
  const all = pending.peek().filter((judged) => !isOwn(judged));
  const chosen = all.length > 0 && all.every(({ violation }) => selected.peek().has(violation.id));
  selected.value = new Set(chosen ? [] : all.map(({ violation }) => violation.id));
}

/** The selected ones that still wait. */
export const chosen = computed<readonly string[]>(() =>
  pending.value
    .filter((judged) => !isOwn(judged) && selected.value.has(judged.violation.id))
    .map(({ violation }) => violation.id),
);

function decidedAt(judged: JudgedViolation): number {
  return Math.max(0, ...judged.appeals.map(({ decided_at }) => decided_at ?? 0));
}

export async function loadRecent(): Promise<void> {
  const now = store.serverNow.peek();
  if (now === null) return;
  const answer = await api<Page<JudgedViolation>>("violations", {
    query: { from: now - RECENT_DAYS * DAY_S, limit: 200 },
  });
  if (!answer.ok) return;
  recent.value = answer.value.items
    .filter(
      ({ appeals }) => appeals.length > 0 && appeals.every(({ status }) => status !== "pending"),
    )
    .filter(({ team }) => teamShown.peek() === "" || team === null || team === teamShown.peek())
    .sort((a, b) => decidedAt(b) - decidedAt(a))
    .slice(0, RECENT_SHOWN);
}

/** Something about violations has changed. */
export function heardAppeals(): void {
  if (tab.peek() === "appeals") void loadRecent();
}

/** Grant or refuse, all of them or none; null when it was done. */
export async function decide(
  ids: readonly string[],
  grant: boolean,
  reason: string,
): Promise<Problem | null> {
  const answer = await api<Page<JudgedViolation>>("appeals/decide", {
    method: "POST",
    body: { violations: ids, grant, reason },
  });
  if (!answer.ok) return answer.problem;
  batch(() => {
    selected.value = new Set([...selected.peek()].filter((id) => !ids.includes(id)));
  });
  await Promise.all([loadInbox(), loadRecent()]);
  return null;
}

/** An incident: from when to when, and which violations. Empty rule or queue: all. */
export interface Incident {
  readonly from: number;
  readonly to: number;
  readonly rule: string;
  readonly queue: string;
}

export const INCIDENT_MAX_S = 7 * DAY_S;

/** The standing violations of an incident, those of the person apart. */
export async function countIncident(
  incident: Incident,
): Promise<{ readonly count: number; readonly own: number } | Problem> {
  const answer = await allViolations({
    standing: true,
    from: incident.from,
    to: incident.to,
    rule: incident.rule || null,
  });
  if (!answer.ok) return answer.problem;
  const found = answer.value.filter(
    ({ queue }) => incident.queue === "" || queue === incident.queue,
  );
  const own = found.filter(isOwn).length;
  return { count: found.length - own, own };
}

/** Excuse them all; how many there were, or why not. */
export async function excuse(incident: Incident, reason: string): Promise<number | Problem> {
  const { from, to, rule, queue } = incident;
  const answer = await api<Page<JudgedViolation>>("appeals/window", {
    method: "POST",
    body: { from, to, reason, ...(rule ? { rule } : {}), ...(queue ? { queue } : {}) },
  });
  if (!answer.ok) return answer.problem;
  await Promise.all([loadInbox(), loadRecent()]);
  return answer.value.items.length;
}
