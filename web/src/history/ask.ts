// Asking the API from a component: what was asked for is kept as long as the question is the same.

import { batch, computed, type Signal, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { api, apiUrl, items, type Problem } from "../api/client";
import type { Page, PersonName } from "../api/types";
import { lang } from "../i18n";
import { form, loadForm } from "../live/form";
import { may, me } from "../live/session";
import { store } from "../live/store";
import { splitPerson } from "../model/format";
import { clockOf, dateOf, dayOf } from "./zone";

export type AskQuery = Readonly<Record<string, string | number | boolean | null>>;

// --- the site ------------------------------------------------------------------------------------

/** The site's local time minus UTC, seconds; the browser's own zone until the form is known. */
export const offset = computed(
  () => form.value?.utc_offset_s ?? -60 * new Date().getTimezoneOffset(),
);
/** When a day begins: seconds after local midnight. */
export const dayStarts = computed(() => form.value?.day_starts_s ?? 0);

/** agentd's now, seconds; the browser's before the stream's first word. */
export function nowAt(): number {
  return store.serverNow.peek() ?? Date.now() / 1000;
}

/** The date of the day that it is now. */
export function today(): string {
  return dayOf(nowAt(), offset.value, dayStarts.value);
}

/** The site's local time minus the PBX's clock, as far as that is off: whole hours are those of
 * the clock on the wall. */
export function offsetOf(pbx: string | null): number {
  return offset.value - (pbx === null ? 0 : (store.pbx(`pbx:${pbx}`)?.clock_offset_s ?? 0));
}

/** A moment of the PBX's clock in agentd's. */
function here(at: number, pbx: string | null): number {
  return at - (pbx === null ? 0 : (store.pbx(`pbx:${pbx}`)?.clock_offset_s ?? 0));
}

/** The time of day on site. */
export function clock(at: number, pbx: string | null, places: "m" | "s" | "t" = "s"): string {
  return clockOf(here(at, pbx), offset.value, places);
}

/** Date and time of day on site; without the date where it is today's. */
export function moment(at: number, pbx: string | null, places: "m" | "s" | "t" = "s"): string {
  const date = dateOf(here(at, pbx), offset.value);
  const time = clock(at, pbx, places);
  return date === dateOf(nowAt(), offset.value) ? time : `${date} ${time}`;
}

export function fullMoment(at: number, pbx: string | null): string {
  return `${dateOf(here(at, pbx), offset.value)} ${clock(at, pbx, "t")}`;
}

// --- people --------------------------------------------------------------------------------------

export const people = signal<readonly PersonName[]>([]);
const names = computed(() => new Map(people.value.map(({ login, name }) => [login, name])));
const logins = computed(() => {
  const found = new Map<string, string | null>();
  for (const { login, name } of people.value) found.set(name, found.has(name) ? null : login);
  return found;
});

/** Everything that all pages of history need. */
export async function loadCommon(): Promise<void> {
  const asked = may("orders.read") || may("people") ? api<Page<PersonName>>("people") : null;
  const [answer] = await Promise.all([asked, loadForm()]);
  if (answer?.ok === true) people.value = items(answer.value);
}

/** The login that a name of stored history stands for; null where it is nobody's. */
export function loginOf(agent: string | null): string | null {
  if (agent === null) return null;
  if (names.value.has(agent) || agent === me.value?.login) return agent;
  if (agent === me.value?.name) return me.value.login;
  const known = logins.value.get(agent);
  if (known !== undefined) return known;
  // Queues are often told `张三 8001`.
  const [name, number] = splitPerson(agent);
  return number !== "" && names.value.get(number) === name ? number : null;
}

/** `张三 8001`; what stands there where the person is not known. */
export function personText(agent: string): string {
  const login = loginOf(agent);
  const own = me.value;
  const name = own?.login === login ? own?.name : names.value.get(login ?? "");
  return login === null || name === undefined || name === login ? agent : `${name} ${login}`;
}

// --- one answer ----------------------------------------------------------------------------------

export interface Asked<T> {
  readonly value: T | null;
  readonly problem: Problem | null;
  readonly loading: boolean;
  readonly again: () => void;
}

/** The answer to a question; `path` null: nothing is asked. `every_s`: asked again that often. */
export function useAsk<T>(path: string | null, query: AskQuery = {}, every_s = 0): Asked<T> {
  const key = path === null ? null : apiUrl(path, query);
  const [state, setState] = useState<{
    readonly of: string | null;
    readonly path: string | null;
    readonly value: T | null;
    readonly problem: Problem | null;
  }>({ of: null, path: null, value: null, problem: null });
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (key === null || path === null) return undefined;
    const stop = new AbortController();
    void api<T>(path, { query, signal: stop.signal }).then((answer) => {
      if (stop.signal.aborted) return;
      setState((before) =>
        answer.ok
          ? { of: key, path, value: answer.value, problem: null }
          : {
              of: key,
              path,
              value: before.of === key ? before.value : null,
              problem: answer.problem,
            },
      );
    });
    const timer =
      every_s > 0 ? setTimeout(() => setRound((before) => before + 1), every_s * 1000) : undefined;
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key, round]);
  const current = state.of === key;
  return {
    value: current || state.path === path ? state.value : null,
    problem: current ? state.problem : null,
    loading: key !== null && !current,
    again: () => setRound((before) => before + 1),
  };
}

// --- lists in pages ------------------------------------------------------------------------------

interface List<T> {
  readonly found: Signal<readonly T[] | null>;
  readonly problem: Signal<Problem | null>;
  readonly next: Signal<string | null>;
  readonly loading: Signal<boolean>;
}

/** The last lists, so that going back shows what was there, without asking. */
const lists = new Map<string, List<unknown>>();
const KEPT = 8;
export const PAGE = 50;

function listOf<T>(key: string): readonly [list: List<T>, isNew: boolean] {
  const known = lists.get(key) as List<T> | undefined;
  if (known !== undefined) return [known, false];
  const made: List<T> = {
    found: signal<readonly T[] | null>(null),
    problem: signal<Problem | null>(null),
    next: signal<string | null>(null),
    loading: signal(false),
  };
  lists.set(key, made as List<unknown>);
  for (const old of [...lists.keys()].slice(0, -KEPT)) lists.delete(old);
  return [made, true];
}

async function page<T>(list: List<T>, path: string, query: AskQuery, from: string | null) {
  list.loading.value = true;
  const answer = await api<Page<T>>(path, { query: { limit: PAGE, ...query, cursor: from } });
  batch(() => {
    list.loading.value = false;
    list.problem.value = answer.ok ? null : answer.problem;
    if (!answer.ok) return;
    const before = from === null ? [] : (list.found.peek() ?? []);
    list.found.value = [...before, ...answer.value.items];
    list.next.value = answer.value.next_cursor;
  });
}

export interface Pages<T> {
  readonly found: readonly T[] | null;
  readonly problem: Problem | null;
  readonly next: string | null;
  readonly loading: boolean;
  readonly more: () => void;
  readonly again: () => void;
}

/** A list that goes on from page to page; `path` null: nothing is asked. */
export function usePages<T>(path: string | null, query: AskQuery): Pages<T> {
  const key = path === null ? "" : apiUrl(path, query);
  const [list, isNew] = listOf<T>(key);
  useEffect(() => {
    if (path !== null && (isNew || (list.found.peek() === null && !list.loading.peek())))
      void page(list, path, query, null);
  }, [key]);
  return {
    found: list.found.value,
    problem: list.problem.value,
    next: list.next.value,
    loading: list.loading.value,
    more: () => {
      const from = list.next.peek();
      if (path !== null && from !== null && !list.loading.peek())
        void page(list, path, query, from);
    },
    again: () => {
      if (path !== null) void page(list, path, query, null);
    },
  };
}

/** Where the same table is as a file. */
export function fileUrl(path: string, query: AskQuery): string {
  return apiUrl(path, { ...query, lang: lang.value === "en" ? "en" : "zh" });
}
