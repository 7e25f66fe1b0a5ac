import { expect, test } from "vitest";
import type { Duty, Inbox, Order, OrderChange } from "../src/api/types";
import { gist } from "../src/shift/gist";
import { actionOf, KEYS } from "../src/shift/hotkeys";
import {
  acknowledgedAfter,
  newlyTold,
  sections,
  stepped,
  wantsAcknowledging,
} from "../src/shift/inbox";
import { NO_FILTERS, isRange, queryOf } from "../src/shift/search";
import { commandOf, lacks, nextStep, NOTHING_TYPED, placeOf } from "../src/shift/steps";
import { clockText, dateStart, dateText, DAY_S, momentOf } from "../src/model/dates";
import {
  cell,
  decodeCsv,
  lineOf,
  midnights,
  spellsOf,
  teamsOf,
  weekStart,
} from "../src/shift/week";
import { order } from "./orders";

const NOW = 1_000_000;
const CHINA_S = 8 * 3600;

function urgent(id: string, since_at: number, changes: Partial<Order["urgent"]> = {}): Order {
  const what = {
    since_at,
    by: "8001",
    told: [],
    acknowledged_at: null,
    acknowledged_by: null,
    unit_called: "",
    process: "",
    method: "",
    handled_by: null,
    ...changes,
  };
  return order({ id, urgent: what });
}

function dispatched(id: string, due_at: number | null): Order {
  const dispatch = {
    at: 0,
    by: "2001",
    unit: "water",
    person: "",
    due_at,
    text: "",
    reminded_at: [],
    urged: [],
  };
  return order({ id, state: "dispatched", dispatch });
}

function forwarded(id: string, at: number, acknowledged_at: number | null = null): Order {
  const by = acknowledged_at === null ? null : "2001";
  const what = { at, by: "", to: [], why: "", acknowledged_at, acknowledged_by: by };
  return order({ id, state: "forwarded", forwarded: what });
}

function inbox(changes: Partial<Inbox> = {}): Inbox {
  return {
    urgent: [],
    forwarded: [],
    overdue: [],
    missed: [],
    returned_late: [],
    appeals: [],
    on_duty: { leaders: [], deputies: [] },
    ...changes,
  };
}

const NOTHING = { own_service: [], dispatched: [], promised: [] };

function shown(box: Inbox, beside: Parameters<typeof sections>[1] = NOTHING, team = "") {
  return sections(box, beside, team, () => NOW).map(({ section, orders }) => [
    section,
    orders.map(({ id }) => id),
  ]);
}

test("what needs a leader comes in the order in which it does, each order once", () => {
  const box = inbox({
    urgent: [
      urgent("late", NOW - 10),
      urgent("seen", NOW - 900, { acknowledged_at: NOW - 800, acknowledged_by: "2001" }),
      urgent("first", NOW - 100),
    ],
    forwarded: [forwarded("seen-forward", 1, 5), forwarded("ours", 3), forwarded("new", 2)],
    overdue: [order({ id: "overdue" })],
    missed: [order({ id: "missed", kind: "missed" })],
  });
  const own = { ...NOTHING, own_service: [forwarded("ours", 3)] };
  expect(shown(box, own)).toEqual([
    ["urgent", ["first", "late"]],
    ["own_service", ["ours"]],
    ["forwarded", ["new", "seen-forward"]],
    ["overdue", ["overdue"]],
    ["missed", ["missed"]],
    ["working", ["seen"]],
  ]);
  expect(shown(inbox())).toEqual([]);
});

test("dispatches and promises are shown when they are about to fall due", () => {
  const made = (id: string, due_at: number, kept_at: number | null) =>
    order({
      id,
      promise: {
        at: 0,
        by: "8001",
        text: "",
        due_at,
        kept_at,
        kept_by: null,
        reminded: false,
        broken: false,
      },
    });
  const beside = {
    own_service: [],
    dispatched: [
      dispatched("soon", NOW + 3600),
      dispatched("over", NOW - 60),
      dispatched("far", NOW + 3 * DAY_S),
      dispatched("never", null),
    ],
    promised: [made("kept", NOW - 5, NOW - 9), made("due", NOW + 60, null)],
  };
  expect(shown(inbox(), beside)).toEqual([
    ["due", ["over", "soon"]],
    ["promised", ["due"]],
  ]);
});

test("another team's orders are not shown, those of no team are", () => {
  const box = inbox({
    overdue: [
      order({ id: "mine", team: "一组" }),
      order({ id: "theirs", team: "二组" }),
      order({ id: "nobody's", team: null }),
    ],
  });
  expect(shown(box, NOTHING, "一组")).toEqual([["overdue", ["mine", "nobody's"]]]);
});

test("a new urgent order and every repetition are told once, until it is acknowledged", () => {
  const told = { at: 1, to: ["2001"], how: "leader" } as const;
  const first = urgent("a", 1, { told: [told] });
  const again = urgent("a", 1, { told: [told, told] });
  expect(newlyTold(null, [first])).toEqual([first]);
  expect(newlyTold([first], [first])).toEqual([]);
  expect(newlyTold([first], [again])).toEqual([again]);
  const seen = urgent("a", 1, { told: [told, told], acknowledged_at: 9, acknowledged_by: "2001" });
  expect(newlyTold([first], [seen])).toEqual([]);
});

test("how long it took to acknowledge is measured", () => {
  expect(acknowledgedAfter(urgent("a", 100))).toBeNull();
  expect(acknowledgedAfter(urgent("a", 100, { acknowledged_at: 142 }))).toBe(42);
  expect(acknowledgedAfter(forwarded("a", 100, 130))).toBe(30);
  expect(wantsAcknowledging(forwarded("a", 100))).toBe(true);
  expect(wantsAcknowledging(forwarded("a", 100, 130))).toBe(false);
});

test("keys move within the list and stop at its ends", () => {
  const ids = ["a", "b", "c"];
  expect([stepped(ids, null, 1), stepped(ids, null, -1), stepped(ids, "gone", 1)]).toEqual([
    "a",
    "c",
    "a",
  ]);
  expect([stepped(ids, "b", 1), stepped(ids, "c", 1), stepped(ids, "a", -1)]).toEqual([
    "c",
    "c",
    "a",
  ]);
  expect(stepped([], "a", 1)).toBeNull();
});

function pressed(key: string, changes: object = {}) {
  const code = /^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : key;
  return {
    key,
    code,
    altKey: false,
    ctrlKey: false,
    metaKey: false,
    shiftKey: false,
    isComposing: false,
    repeat: false,
    ...changes,
  };
}

test("one key, one step; nothing while somebody types or an input method composes", () => {
  expect(new Set(Object.values(KEYS)).size).toBe(Object.keys(KEYS).length);
  expect(actionOf(pressed("a"), false)).toBe("acknowledge");
  expect(actionOf(pressed("a"), true)).toBeNull();
  expect(actionOf(pressed("a", { ctrlKey: true }), false)).toBeNull();
  expect(actionOf(pressed("a", { isComposing: true }), false)).toBeNull();
  expect(actionOf(pressed("a", { repeat: true }), false)).toBeNull();
  expect(actionOf(pressed("j", { repeat: true }), false)).toBe("next");
  expect(actionOf(pressed("ArrowDown"), false)).toBe("next");
  expect(actionOf(pressed("A", { shiftKey: true }), false)).toBe("grant");
  expect(actionOf(pressed("?", { shiftKey: true, code: "Slash" }), false)).toBe("help");
  expect(actionOf(pressed("Escape"), true)).toBe("leave");
  expect(actionOf(pressed("Enter", { ctrlKey: true }), true)).toBe("send");
});

test("a step's command carries what was typed, and only that", () => {
  const typed = { ...NOTHING_TYPED, unit: "water", person: " 王工 ", text: " 尽快 " };
  const said = { do: "dispatch", unit: "water", person: "王工", text: "尽快" };
  expect(commandOf("dispatch", typed, null)).toEqual(said);
  expect(commandOf("dispatch", { ...typed, days: "3" }, null)).toEqual({ ...said, due_days: 3 });
  expect(commandOf("dispatch", { ...typed, days: "3" }, 99)).toEqual({ ...said, due_at: 99 });
  expect(commandOf("return", typed, null)).toEqual({ do: "return", reason: "尽快" });
  expect(commandOf("revisit", { ...NOTHING_TYPED, satisfaction: 4 }, null)).toEqual({
    do: "revisit",
    satisfaction: 4,
    text: "",
  });
  expect(lacks("dispatch", NOTHING_TYPED)).toBe("unit");
  expect(lacks("revisit", NOTHING_TYPED)).toBe("satisfaction");
  expect(lacks("answer", { ...NOTHING_TYPED, text: "  " })).toBe("text");
  expect(lacks("urge", NOTHING_TYPED)).toBeNull();
  expect(["due_us", "reason", "unit", "other"].map(placeOf)).toEqual(["due", "text", "unit", null]);
});

test("the next step of the order's life is offered first, if it is allowed", () => {
  expect(nextStep(forwarded("a", 1), ["dispatch", "close"])).toBe("dispatch");
  expect(nextStep(forwarded("a", 1), ["close"])).toBeNull();
  expect(nextStep(urgent("a", 1), ["acknowledge", "note"])).toBe("acknowledge");
  expect(nextStep(dispatched("a", 1), ["urge", "answer"])).toBe("answer");
});

test("hours as people write them, split and over midnight", () => {
  const h = 3600;
  expect(spellsOf("08:00-12:00")).toEqual([[8 * h, 12 * h]]);
  expect(spellsOf("8:00–12:00、14:00 至 18:30")).toEqual([
    [8 * h, 12 * h],
    [14 * h, 18.5 * h],
  ]);
  expect(spellsOf("20：00-08：00")).toEqual([[20 * h, 32 * h]]);
  expect(spellsOf("16:00-24:00")).toEqual([[16 * h, 24 * h]]);
  for (const bad of [
    "",
    "8-12",
    "25:00-26:00",
    "08:00-12:00 morning",
    "08:60-09:00",
    "08:00-24:30",
  ])
    expect(spellsOf(bad), bad).toBeNull();
});

function duty(changes: Partial<Duty>): Duty {
  return {
    id: "1",
    team: "",
    login: "2001",
    role: "leader",
    from_at: 0,
    to_at: 0,
    note: "",
    ...changes,
  };
}

test("days and weeks are those of the working calendar, whatever the browser's zone", () => {
  const at = Date.UTC(2026, 2, 1, 20, 30) / 1000; // Monday 2 March 04:30 in China
  expect(dateText(at, CHINA_S)).toBe("2026-03-02");
  expect(clockText(at, CHINA_S)).toBe("04:30");
  const monday = weekStart(at, CHINA_S);
  expect(dateText(monday, CHINA_S)).toBe("2026-03-02");
  expect(clockText(monday, CHINA_S)).toBe("00:00");
  expect(weekStart(monday - 1, CHINA_S)).toBe(monday - 7 * DAY_S);
  expect(dateStart("2026-03-02", CHINA_S)).toBe(monday);
  expect(dateStart("2026-02-30", CHINA_S)).toBeNull();
  expect(momentOf("2026-03-02T04:30", CHINA_S)).toBe(at);
  expect(momentOf("2026-03-02", CHINA_S)).toBeNull();
});

test("a duty over midnight stands in both days, the second time as going on", () => {
  const monday = dateStart("2026-03-02", CHINA_S) ?? 0;
  const night = duty({ id: "n", from_at: monday + 20 * 3600, to_at: monday + 32 * 3600 });
  const full = duty({ id: "f", from_at: monday + 16 * 3600, to_at: monday + DAY_S });
  const early = duty({ id: "d", role: "deputy", from_at: monday + 3600, to_at: monday + 7200 });
  const all = [
    night,
    early,
    full,
    duty({ id: "t", team: "一组", from_at: monday, to_at: monday + 9 }),
  ];
  expect(cell(all, "", monday).map(({ duty: d, goesOn }) => [d.id, goesOn])).toEqual([
    ["f", false],
    ["n", false],
    ["d", false],
  ]);
  expect(cell(all, "", monday + DAY_S).map(({ duty: d, goesOn }) => [d.id, goesOn])).toEqual([
    ["n", true],
  ]);
  expect([midnights(night, CHINA_S), midnights(full, CHINA_S)]).toEqual([1, 0]);
  expect(teamsOf(["一组"], [duty({ team: "夜班" })])).toEqual(["", "一组", "夜班"]);
});

test("a roster file is read as UTF-8 or as Chinese spreadsheets write it", () => {
  expect(decodeCsv(new TextEncoder().encode("日期,工号").buffer as ArrayBuffer)).toBe("日期,工号");
  const gb = new Uint8Array([0xc8, 0xd5, 0xc6, 0xda]);
  expect(decodeCsv(gb.buffer as ArrayBuffer)).toBe("日期");
  expect(["line.3", "fields.line.3"].map(lineOf)).toEqual([3, null]);
});

test("filters ask for whole days and only for what is set", () => {
  const asked = queryOf(
    { ...NO_FILTERS, q: " 停水 ", from: "2026-03-01", to: "2026-03-01" },
    CHINA_S,
  );
  const day = dateStart("2026-03-01", CHINA_S) ?? 0;
  expect(asked).toMatchObject({ q: "停水", from: day, to: day + DAY_S, urgent: null, state: "" });
  expect(queryOf({ ...NO_FILTERS, urgent: true }, 0).urgent).toBe(true);
  expect(isRange({ ...NO_FILTERS, from: "2026-03-02", to: "2026-03-01" })).toBe(false);
});

test("a line of the history says what people wrote", () => {
  const line = (what: string, changed: OrderChange["changed"]): OrderChange => ({
    order: "a",
    version: 2,
    at: 1,
    by: "2001",
    do: what,
    changed,
  });
  expect(
    gist(
      line("dispatch", {
        state: ["forwarded", "dispatched"],
        dispatch: [null, { at_us: 1, unit: "water", person: "王工", text: "请抢修" }],
      }),
    ),
  ).toEqual({ texts: ["water", "王工", "请抢修"], from: "forwarded", to: "dispatched" });
  const before = { unit: "water", person: "王工", text: "请抢修", urged: [] };
  const after = { ...before, urged: [{ at_us: 2, by: "2001", text: "再催" }] };
  expect(gist(line("urge", { dispatch: [before, after] })).texts).toEqual(["再催"]);
  expect(gist(line("opened", { id: [null, "a"] })).texts).toEqual([]);
});
