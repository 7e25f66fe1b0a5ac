// What the shift leader's desk knows. The order that is open is the desk's own (desk/state.ts): its
// draft, its conflicts and its commands are the same for everybody.

import { batch, computed, signal } from "@preact/signals";
import { type Answer, api, items, type Problem } from "../api/client";
import type {
  Duty,
  Fault,
  Handover,
  Inbox,
  JudgedViolation,
  Order,
  OrderChange,
  OrderCommand,
  OrderView,
  Page,
  PersonName,
} from "../api/types";
import { nowOf } from "../desk/ui";
import { openOrder, problem, refresh, view } from "../desk/state";
import { form } from "../live/form";
import { may, me, saveSettings } from "../live/session";
import { type Beside, newlyTold, sections } from "./inbox";
import { editing } from "./ui";

export const TABS = ["inbox", "orders", "appeals", "roster", "handover"] as const;
export type Tab = (typeof TABS)[number];

/** The pages that the person may use, in their order. */
export const tabs = computed<readonly Tab[]>(() =>
  TABS.filter((name) => {
    if (name === "inbox") return may("orders.lead");
    if (name === "orders") return may("orders.read");
    if (name === "appeals") return may("appeals.decide");
    return may("shift");
  }),
);

/** Whether this page is for the person at all. */
export const leads = computed(() => may("shift") || may("orders.lead"));

const wanted = signal<Tab>("inbox");
export const tab = computed<Tab>(() =>
  tabs.value.includes(wanted.value) ? wanted.value : (tabs.value[0] ?? "inbox"),
);

export function showTab(next: Tab): void {
  if (!tabs.peek().includes(next)) return;
  batch(() => {
    wanted.value = next;
    opened.value = null;
  });
}

// --- lists -------------------------------------------------------------------------------------

const NOTHING: Beside = { own_service: [], dispatched: [], promised: [] };

export const inbox = signal<Inbox | null>(null);
export const beside = signal<Beside>(NOTHING);
export const faults = signal<readonly Fault[]>([]);
export const handovers = signal<readonly Handover[]>([]);
export const people = signal<readonly PersonName[]>([]);
/** Why what is shown may be old; null when the last question was answered. */
export const lost = signal<Problem | null>(null);
/** Urgent orders of which the person was just told; every change is a signal. */
export const toldNow = signal<readonly Order[]>([]);

/** Whose orders are shown; "" for all. Kept with the account. */
const team = computed(() => {
  const kept = me.value?.settings.shift_team;
  return typeof kept === "string" ? kept : "";
});

export function chooseTeam(name: string): void {
  void saveSettings({ shift_team: name });
  void loadInbox();
  void loadHandovers();
}

/** The teams that the person can choose between. */
export const teamNames = computed<readonly string[]>(() => {
  const own = me.value?.teams ?? [];
  return own.length > 0 ? own : (form.value?.teams ?? []);
});

/** The team that is asked for: one that is gone counts as all. */
export const teamShown = computed(() => (teamNames.value.includes(team.value) ? team.value : ""));

/** What needs a leader, in its order. */
export const parts = computed(() =>
  inbox.value === null ? [] : sections(inbox.value, beside.value, teamShown.value, nowOf),
);

/** How many orders wait for something: those that are in hand already do not. */
export const waiting = computed(() =>
  parts.value.reduce(
    (sum, { section, orders }) => sum + (section === "working" ? 0 : orders.length),
    0,
  ),
);

export const unseenUrgent = computed(
  () => parts.value.find(({ section }) => section === "urgent")?.orders.length ?? 0,
);

export const appealsWaiting = computed(() => inbox.value?.appeals.length ?? 0);

/** Whether the person can have a shift, so also hand it over and take it. */
export const hasShifts = computed(() => may("shift") && may("orders.lead"));

/** Handovers that nobody has taken over yet and that the person may. */
export const toTake = computed(() =>
  hasShifts.value
    ? handovers.value.filter(
        ({ confirmed_by, by }) => confirmed_by === null && by !== me.value?.login,
      )
    : [],
);

const OF_LEADERS = "forwarded,dispatched,answered,told,completed,returned,open";
const LISTED = 200;

/** As many as a handover lists (agentd/desk_shift.py). */
const ALL = 1000;

/** The orders of every page, up to ALL of them. */
export async function allOrders(
  query: Record<string, string | number | boolean>,
): Promise<Answer<readonly Order[]>> {
  const found: Order[] = [];
  let from: string | null = null;
  do {
    const answer: Answer<Page<Order>> = await api<Page<Order>>("orders", {
      query: { ...query, limit: LISTED, cursor: from },
    });
    if (!answer.ok) return answer;
    found.push(...answer.value.items);
    from = answer.value.next_cursor;
  } while (from !== null && found.length < ALL);
  return { ok: true, value: found, etag: null };
}

let asked = 0;

export async function loadInbox(): Promise<void> {
  if (!may("orders.lead")) return;
  asked += 1;
  const mine = asked;
  const main = await api<Inbox>("inbox", { query: { team: teamShown.peek() } });
  if (mine !== asked) return;
  if (!main.ok) {
    lost.value = main.problem;
    return;
  }
  const told = newlyTold(inbox.peek()?.urgent ?? null, main.value.urgent);
  batch(() => {
    lost.value = null;
    inbox.value = main.value;
  });
  if (told.length > 0) toldNow.value = told;
}

let askedBeside = 0;

/** What the inbox does not name; longer lists, whose clocks are hours rather than seconds. */
export async function loadBeside(): Promise<void> {
  if (!may("orders.lead")) return;
  askedBeside += 1;
  const mine = askedBeside;
  const [own, dispatched, promised] = await Promise.all([
    allOrders({ own_service: true, state: OF_LEADERS }),
    allOrders({ state: "dispatched" }),
    allOrders({ promised: true, sort: "promise" }),
  ]);
  if (mine !== askedBeside) return;
  const before = beside.peek();
  beside.value = {
    own_service: own.ok ? own.value : before.own_service,
    dispatched: dispatched.ok ? dispatched.value : before.dispatched,
    promised: promised.ok ? promised.value : before.promised,
  };
}

export async function loadFaults(): Promise<void> {
  if (!may("shift")) return;
  const answer = await api<Page<Fault>>("faults");
  if (answer.ok) faults.value = items(answer.value).filter(({ done_at }) => done_at === null);
}

export async function loadHandovers(): Promise<void> {
  if (!may("shift")) return;
  const asked_for = teamShown.peek();
  const answer = await api<Page<Handover>>("handovers", { query: { team: asked_for } });
  if (answer.ok) handovers.value = items(answer.value);
}

export async function loadPeople(): Promise<void> {
  const answer = await api<Page<PersonName>>("people");
  if (answer.ok) people.value = items(answer.value);
}

const names = computed(() => new Map(people.value.map(({ login, name }) => [login, name])));

/** `王班长 2001`; only the login where the name is not known. */
export function personText(login: string | null): string {
  if (login === null) return "";
  const own = me.value;
  const name = own?.login === login ? own.name : names.value.get(login);
  return name === undefined || name === login ? login : `${name} ${login}`;
}

/** Only the name, where it is known. */
export function personName(login: string): string {
  return (me.value?.login === login ? me.value.name : names.value.get(login)) ?? login;
}

// --- the order that is open --------------------------------------------------------------------

/** Id of the order beside the list; null for none. */
export const opened = signal<string | null>(null);
/** Where the keys are in the list: the order that they act on. */
export const cursor = signal<string | null>(null);
export const history = signal<{
  readonly id: string;
  readonly lines: readonly OrderChange[];
} | null>(null);

/** The order that is open, once it is here. */
export const shown = computed<OrderView | null>(() =>
  view.value !== null && view.value.id === opened.value ? view.value : null,
);

export async function open(id: string): Promise<void> {
  batch(() => {
    if (opened.peek() !== id) editing.value = false;
    opened.value = id;
    cursor.value = id;
    problem.value = null;
  });
  await openOrder(id);
  if (opened.peek() === id) void loadHistory();
}

export function closePanel(): void {
  opened.value = null;
}

export async function loadHistory(): Promise<void> {
  const id = opened.peek();
  if (id === null) return;
  const answer = await api<Page<OrderChange>>(`orders/${encodeURIComponent(id)}/history`);
  if (answer.ok && opened.peek() === id) history.value = { id, lines: items(answer.value) };
}

export async function reloadOpened(): Promise<void> {
  if (opened.peek() === null) return;
  await refresh();
  await loadHistory();
}

/** Give a command; the order that is open follows. `version`: refuse when there is a newer one. */
export async function give(
  id: string,
  body: OrderCommand,
  version?: number,
): Promise<Answer<OrderView>> {
  const answer = await api<OrderView>(`orders/${encodeURIComponent(id)}/commands`, {
    method: "POST",
    body,
    ...(version === undefined ? {} : { version }),
  });
  if (answer.ok) {
    await Promise.all([loadInbox(), loadBeside(), opened.peek() === id ? reloadOpened() : null]);
  }
  return answer;
}

/** What others changed in an order since `version`, the oldest first. */
export async function changesSince(id: string, version: number): Promise<readonly OrderChange[]> {
  const answer = await api<Page<OrderChange>>(`orders/${encodeURIComponent(id)}/history`);
  return answer.ok ? items(answer.value).filter((change) => change.version > version) : [];
}

// --- the shift ---------------------------------------------------------------------------------

export async function doneFault(id: string): Promise<Problem | null> {
  const path = `faults/${encodeURIComponent(id)}/done`;
  const answer = await api<Fault>(path, { method: "POST", body: {} });
  if (!answer.ok) return answer.problem;
  await loadFaults();
  return null;
}

export async function loadDuties(from: number, to: number): Promise<Answer<Page<Duty>>> {
  return api<Page<Duty>>("roster", { query: { from, to } });
}

/** Every page of a list of violations. */
export async function allViolations(
  query: Record<string, string | number | boolean | null>,
): Promise<Answer<readonly JudgedViolation[]>> {
  const found: JudgedViolation[] = [];
  let cursorNow: string | null = null;
  do {
    const answer: Answer<Page<JudgedViolation>> = await api<Page<JudgedViolation>>("violations", {
      query: { ...query, limit: LISTED, cursor: cursorNow },
    });
    if (!answer.ok) return answer;
    found.push(...answer.value.items);
    cursorNow = answer.value.next_cursor;
  } while (cursorNow !== null);
  return { ok: true, value: found, etag: null };
}
