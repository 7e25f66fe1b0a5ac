import { beforeEach, expect, test } from "vitest";
import { callerForbids, seatForbids } from "../src/board/control";
import { noted, told } from "../src/board/feed";
import { bare, figureOf, shown } from "../src/board/figures";
import { readThresholds, strengthOf, writeThresholds } from "../src/board/thresholds";
import { ACTS } from "../src/board/types";
import { boardEn } from "../src/board/words.en";
import { boardZh } from "../src/board/words.zh-CN";
import { Floor } from "../src/live/floor";
import { readObject } from "../src/model/decode";
import type { BoardObject, Figures } from "../src/model/types";
import { alert, queue, seat } from "./samples";

test("where warning is above breach low is bad, else high", () => {
  const low = { warn: 0.9, breach: 0.8 };
  expect([0.95, 0.9, 0.85, 0.8, 0.1].map((value) => strengthOf(value, low))).toEqual([
    "calm",
    "warning",
    "warning",
    "breach",
    "breach",
  ]);
  const high = { warn: 10, breach: 20 };
  expect([9, 10, 20].map((value) => strengthOf(value, high))).toEqual([
    "calm",
    "warning",
    "breach",
  ]);
  expect(strengthOf(null, low)).toBe("calm");
  expect(strengthOf(0, undefined)).toBe("calm");
});

test("thresholds that cannot be read are left out", () => {
  const kept = { asa: { warn: 1, breach: 2 } };
  expect(readThresholds(writeThresholds(kept))).toEqual(kept);
  expect(readThresholds({ metrics: { a: { warn: "1", breach: 2 }, b: null } })).toEqual({});
  for (const value of [null, 1, [], {}]) expect(readThresholds(value)).toEqual({});
});

test("figures: values by unit, a dash where there is none", () => {
  expect(shown("connect_rate", 0.9345)).toBe("93%");
  expect(bare("connect_rate", 0.9345)).toBe("93");
  expect(shown("asa", 8.4)).toBe("8 s");
  expect(shown("asa", 75)).toBe("1:15");
  expect(shown("answered", 12)).toBe("12");
  expect(shown("answered", null)).toBe("—");
});

test("figures are read from the stream, as far as they can be", () => {
  const found = readObject("figures:queue/hotline", {
    kind: "figures",
    figures: { today: { asa: { value: 3, num: 6, den: 2, gap: true }, bad: 1 }, shift: null },
  }) as Figures;
  expect(figureOf(found, "today", "asa")).toEqual({
    value: 3,
    num: 6,
    den: 2,
    gap: true,
    estimated: 0,
  });
  expect(figureOf(found, "today", "bad")).toBeUndefined();
  expect(figureOf(found, "shift", "asa")).toBeUndefined();
  expect(readObject("figures:queue/x", { kind: "figures" })).toBeNull();
});

test("gaps begin once, last, and end", () => {
  const one = noted([], "main", true, 10);
  expect(noted(one, "main", true, 11)).toBe(one);
  const two = noted(one, null, true, 12);
  expect(two.map((gap) => gap.pbx)).toEqual([null, "main"]);
  const ended = noted(two, "main", false, 20);
  expect(ended).toEqual([
    { pbx: null, from: 12, to: null },
    { pbx: "main", from: 10, to: 20 },
  ]);
  expect(noted(ended, "main", false, 30)).toBe(ended);
  expect(noted(noted([], "a", true, 5), "a", false, 4)[0]?.to).toBe(5);
});

test("agentd's word on gaps goes before what the page saw, but a new one is told at once", () => {
  const seen = [
    { pbx: null, from: 50, to: 60 },
    { pbx: "main", from: 10, to: 20 },
    { pbx: "other", from: 5, to: 6 },
  ];
  const items = new Map([
    ["main", { pbx: "main", lag_s: null, gaps: [{ from_at: 109, to_at: 121 }] }],
  ]);
  expect(told(seen, items, () => 100)).toEqual([
    { pbx: null, from: 50, to: 60 },
    { pbx: "main", from: 9, to: 21 },
    { pbx: "other", from: 5, to: 6 },
  ]);
  const lasting = [{ pbx: "main", from: 70, to: null }];
  expect(told(lasting, items, () => 100)[0]).toEqual(lasting[0]);
});

test("what cannot be done to a seat as it stands has its reason", () => {
  const free = seat({ queues: ["q"], person: "8001" });
  const may = (name: (typeof ACTS)[number], at = free) => seatForbids(name, at) === null;
  expect(may("pause")).toBe(true);
  expect(may("unpause")).toBe(false);
  expect(may("listen")).toBe(false);
  expect(may("hangup")).toBe(false);
  expect(may("message")).toBe(true);
  const talks = seat({ state: "talking", call: "c", queues: ["q"] });
  for (const name of ["listen", "whisper", "barge", "redirect", "hangup"] as const)
    expect(may(name, talks)).toBe(true);
  expect(may("message", talks)).toBe(false);
  const paused = seat({ state: "paused", queues: ["q"] });
  expect(may("unpause", paused)).toBe(true);
  expect(may("pause", paused)).toBe(false);
  expect(may("logout", seat({ queues: [] }))).toBe(false);
});

test("who is first is not moved up", () => {
  const at = queue({
    waiting: [
      { call: "a", caller: null, joined_at: 1 },
      { call: "b", caller: null, joined_at: 2 },
    ],
  });
  expect(callerForbids("move_up", at, "a")).not.toBeNull();
  expect(callerForbids("move_up", at, "b")).toBeNull();
  expect(callerForbids("hangup", at, "a")).toBeNull();
});

test("every act has its words in both languages", () => {
  for (const name of ACTS) {
    expect(boardZh.menu[name]).not.toBe("");
    expect(boardEn.menu[name]).not.toBe("");
  }
});

// --- the floor, step by step ---------------------------------------------------------------------

let floor = new Floor();
let known = new Map<string, BoardObject>();

beforeEach(() => {
  floor = new Floor();
  known = new Map();
});

function take(at: number, objects: Record<string, BoardObject | undefined>): void {
  for (const [key, object] of Object.entries(objects)) {
    floor.take(key, known.get(key), object);
    if (object === undefined) known.delete(key);
    else known.set(key, object);
  }
  floor.settle(at);
}

test("counts, places and troubles follow each change", () => {
  const a = seat({ seat: "a", label: "1", state: "talking" });
  const b = seat({ seat: "b", label: "2" });
  take(0, { "seat:a": a, "seat:b": b, "queue:q": queue({ label: "x" }) });
  expect(floor.counts.talking.value).toBe(1);
  expect(floor.counts.available.value).toBe(1);
  expect(floor.seatGroups.value.map((group) => group.seats)).toEqual([["seat:a", "seat:b"]]);
  const places = floor.seatGroups.value;
  take(1, { "seat:b": { ...b, state: "ringing", trouble: "warning" } });
  expect(floor.troubleKeys.value).toEqual(["seat:b"]);
  // Nobody moved: the list of places is the very same.
  expect(floor.seatGroups.value).toBe(places);
  take(2, { "seat:a": { ...a, trouble: "urgent" } });
  expect(floor.troubleKeys.value).toEqual(["seat:a", "seat:b"]);
  take(3, { "seat:a": undefined });
  expect(floor.troubleKeys.value).toEqual(["seat:b"]);
  expect(floor.counts.talking.value).toBe(0);
  expect(floor.seatGroups.value.map((group) => group.seats)).toEqual([["seat:b"]]);
  take(4, { "queue:q": undefined });
  expect(floor.queueKeys.value).toEqual([]);
});

test("in a storm the list of alerts waits, but is not forgotten", () => {
  take(10, { "alert:a": alert({ id: "a", at: 1 }) });
  expect(floor.alertKeys.value).toEqual(["alert:a"]);
  take(10.1, { "alert:b": alert({ id: "b", at: 2 }) });
  expect(floor.alertKeys.value).toEqual(["alert:a"]);
  expect(floor.activeAlerts.value).toHaveLength(2);
  floor.settle(10.6);
  expect(floor.alertKeys.value).toEqual(["alert:b", "alert:a"]);
});
