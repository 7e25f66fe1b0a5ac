// The inbox: which alerts are listed, which one is chosen, what is done with it.

import { computed, effect, signal } from "@preact/signals";
import { api, type Problem } from "../api/client";
import type { Page } from "../api/types";
import { store } from "../live/store";
import type { Level, Rule } from "../model/types";
import { alertsQuery, type Filter, readFilter, spanFrom, writeFilter } from "./filter";
import { type Gap, heardFor, type LoadLine } from "./load";
import { alertsWords } from "./words";

/** One alert of GET /api/alerts. */
export interface AlertLine {
  readonly id: string;
  readonly pbx: string;
  /** The PBX's clock. */
  readonly at: number;
  readonly level: Level;
  readonly rule: Rule;
  readonly seat: string | null;
  readonly agent: string | null;
  readonly call: string | null;
  readonly queue: string | null;
  readonly value_s: number | null;
  readonly limit_s: number | null;
  readonly team: string | null;
  readonly notes: readonly {
    readonly at: number;
    readonly by: string;
    readonly note: string;
  }[];
}

const PAGE = 50;
const PAGE_MAX = 200;
const LIVE_MS = 1500;
/** What was stored a moment after it was shown. */
const SETTLE_MS = 400;

export const filter = signal<Filter>(readFilter(location.search));
export const lines = signal<readonly AlertLine[] | null>(null);
export const more = signal(false);
export const problem = signal<Problem | null>(null);
export const chosen = signal<string | null>(null);
export const load = signal<readonly LoadLine[]>([]);
/** How long the time is over which the load is counted, seconds. */
export const lasted = signal(0);
/** What screen readers are told. */
export const told = signal("");
export const noting = signal<AlertLine | null>(null);
const shiftFrom = signal<number | null>(null);
const room = signal(PAGE);

export const chosenLine = computed(
  () => lines.value?.find(({ id }) => id === chosen.value) ?? null,
);

function now(): number {
  return store.serverNow.peek() ?? Date.now() / 1000;
}

let asked = 0;

/** Ask for the list and the load again. */
export async function reload(): Promise<void> {
  asked += 1;
  const mine = asked;
  const to = Math.ceil(now()) + 60;
  const from = Math.floor(spanFrom(filter.peek().span, now(), shiftFrom.peek()));
  const [listed, loaded, feed] = await Promise.all([
    api<Page<AlertLine>>("alerts", {
      query: { ...alertsQuery(filter.peek(), from), limit: room.peek() },
    }),
    api<Page<LoadLine>>("alerts/load", { query: { from, to } }),
    api<Page<{ readonly gaps: readonly Gap[] }>>("health/feed"),
  ]);
  if (mine !== asked) return;
  if (listed.ok) show(listed.value);
  problem.value = listed.ok ? null : listed.problem;
  if (loaded.ok) load.value = loaded.value.items;
  const gaps = feed.ok ? feed.value.items.map((pbx) => pbx.gaps) : [];
  lasted.value = heardFor(from, now(), gaps);
}

function show(page: Page<AlertLine>): void {
  const before = lines.peek();
  const known = new Set(before?.map(({ id }) => id));
  const fresh = before === null ? 0 : page.items.filter(({ id }) => !known.has(id)).length;
  const at = before?.findIndex(({ id }) => id === chosen.peek()) ?? -1;
  lines.value = page.items;
  more.value = (page.next_cursor ?? null) !== null;
  if (fresh > 0) told.value = alertsWords.peek().arrived(fresh);
  if (chosenLine.peek() !== null) return;
  // What was chosen has left the list: whatever stands in its place now is next.
  chosen.value = page.items[Math.max(0, Math.min(at, page.items.length - 1))]?.id ?? null;
}

/** List what fits `changed` as well. */
export function narrow(changed: Partial<Filter>): void {
  filter.value = { ...filter.peek(), ...changed };
  room.value = PAGE;
  lines.value = null;
  history.replaceState(null, "", location.pathname + writeFilter(filter.peek()));
  void reload();
}

/** List earlier ones as well. */
export function loadMore(): void {
  room.value = Math.min(PAGE_MAX, room.peek() + PAGE);
  void reload();
}

/** Whether there is room for earlier ones. */
export const hasRoom = computed(() => more.value && room.value < PAGE_MAX);

/** Choose the line `step` further down. */
export function step(by: number): void {
  const all = lines.peek() ?? [];
  const at = all.findIndex(({ id }) => id === chosen.peek());
  const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
  if (next === undefined) return;
  chosen.value = next.id;
  document.getElementById(`alert-${next.id}`)?.scrollIntoView({ block: "nearest" });
}

/** Acknowledge `line`, with a note or without; the problem when it was refused. */
export async function acknowledge(line: AlertLine, note: string): Promise<Problem | null> {
  const answer = await api<AlertLine>(`alerts/${encodeURIComponent(line.id)}/acknowledge`, {
    method: "POST",
    body: { note },
  });
  if (!answer.ok) {
    problem.value = answer.problem;
    return answer.problem;
  }
  told.value = note === "" ? alertsWords.peek().done : alertsWords.peek().noted;
  await reload();
  return null;
}

/** Load everything, and again when alerts come; called once. */
export async function followAlerts(): Promise<void> {
  const wall = await api<{ readonly shift_from_at: number }>("wall", { stay: true });
  if (wall.ok) shiftFrom.value = wall.value.shift_from_at;
  await reload();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let reloadedAt = 0;
  effect(() => {
    const newest = store.alertKeys.value[0];
    const active = store.activeAlerts.value.length;
    if (newest === undefined && active === 0) return;
    timer ??= setTimeout(
      () => {
        timer = undefined;
        reloadedAt = performance.now();
        void reload();
      },
      Math.max(SETTLE_MS, reloadedAt + LIVE_MS - performance.now()),
    );
  });
}
