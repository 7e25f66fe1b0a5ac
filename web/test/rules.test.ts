import { expect, test } from "vitest";
import {
  against,
  alertStrength,
  bar,
  cause,
  clockBar,
  concerns,
  isFolded,
  longestWait,
  nearestDue,
  ringCount,
  surgeStrength,
} from "../src/model/rules";
import type { Surge } from "../src/model/types";
import { alert, queue, ring, seat } from "./samples";

test("rings are counted by the cadence's cycle", () => {
  const counts = [0, 4.9, 5, 9.9, 10, 14].map((after) => ringCount(ring(), 1000 + after));
  expect(counts).toEqual([1, 1, 2, 2, 3, 3]);
  // A moment before the start (clocks differ by some ms) is still the first ring.
  expect(ringCount(ring(), 999.9)).toBe(1);
  expect(ringCount(ring({ ring_cycle_s: null }), 1003)).toBeNull();
  expect(ringCount(ring({ rule: "hold" }), 1003)).toBeNull();
});

test("a bar fills to its limit, with a mark where the warning begins", () => {
  expect(bar(3, 5, 10)).toEqual({ fill: 0.3, mark: 0.5, strength: "calm" });
  expect(bar(7, 5, 10)).toEqual({ fill: 0.7, mark: 0.5, strength: "warning" });
  expect(bar(10, 5, 10)).toEqual({ fill: 1, mark: 0.5, strength: "breach" });
  expect(bar(99, null, 10)).toEqual({ fill: 1, mark: null, strength: "breach" });
  // A limit that is only a warning charges nobody.
  expect(bar(40, 30, null)).toEqual({ fill: 1, mark: null, strength: "warning" });
  expect(bar(40, null, null)).toBeNull();
  expect(bar(-1, 5, 10)?.fill).toBe(0);
});

test("a clock that was stopped shows no bar: what it stands at is unknown", () => {
  expect(clockBar(ring(), 1007)?.fill).toBeCloseTo(0.7);
  expect(clockBar(ring({ stopped: true }), 1007)).toBeNull();
  expect(clockBar(null, 1007)).toBeNull();
});

test("limits are reached at the limit, not after it", () => {
  expect([4.99, 5, 9.99, 10].map((gone) => against(gone, 5, 10))).toEqual([
    "calm",
    "warning",
    "warning",
    "breach",
  ]);
  expect(against(1e9, null, null)).toBe("calm");
});

test("the longest wait is the oldest caller's", () => {
  const waiting = [30, 10, 20].map((joined_at) => ({ call: "c", caller: null, joined_at }));
  expect(longestWait(queue({ waiting }), 50)).toBe(40);
  expect(longestWait(queue(), 50)).toBeNull();
  expect(longestWait(queue({ waiting }), 5)).toBe(0);
});

test("every level and rule has its strength", () => {
  expect(alertStrength("warning", "ring")).toBe("warning");
  expect(alertStrength("breach", "ring")).toBe("breach");
  expect(alertStrength("escalation", "hold")).toBe("breach");
  expect(alertStrength("escalation", "urgent")).toBe("urgent");
});

test("the nearest due order counts; those not due yet do not", () => {
  const owed = [
    { id: "a", due_at: null },
    { id: "b", due_at: 9 },
    { id: "c", due_at: 5 },
  ];
  expect(nearestDue(owed)).toBe(5);
  expect(nearestDue([{ id: "a", due_at: null }])).toBeNull();
});

test("an alert concerns the seat of its own PBX only", () => {
  const other = seat({ pbx: "branch" });
  expect(concerns(alert(), seat())).toBe(true);
  expect(concerns(alert(), other)).toBe(false);
  expect(concerns(alert({ pbx: null, seat: "branch/PJSIP/1001" }), other)).toBe(true);
  expect(concerns(alert({ seat: null }), seat())).toBe(false);
});

test("a calm seat has no cause, whatever its clock says: agentd judges, not the page", () => {
  expect(cause(seat({ clock: ring() }), [alert()], 2000)).toBeNull();
});

test("the cause is the running clock when that is what has run out", () => {
  const clock = ring();
  const late = seat({ clock, trouble: "breach" });
  expect(cause(late, [], 1010)).toEqual({ kind: "clock", rule: "ring", clock });
  const soon = seat({ clock, trouble: "warning" });
  expect(cause(soon, [], 1005)).toEqual({ kind: "clock", rule: "ring", clock });
});

test("an overdue order is the cause when the running clock is still within its limit", () => {
  const busy = seat({
    clock: ring(),
    trouble: "breach",
    owed: [{ id: "o", due_at: 990 }],
  });
  const overdue = alert({ rule: "work_order" });
  expect(cause(busy, [overdue], 1002)).toEqual({ kind: "due", rule: "work_order", due_at: 990 });
  expect(cause(busy, [], 1002)).toEqual({ kind: "due", rule: "work_order", due_at: 990 });
});

test("alerts that are cleared, another seat's or of another strength are not the cause", () => {
  const troubled = seat({ trouble: "breach" });
  const others = [
    alert({ cleared_at: 1001 }),
    alert({ seat: "PJSIP/1002" }),
    alert({ level: "warning" }),
  ];
  expect(cause(troubled, others, 1005)).toEqual({ kind: "unknown" });
  const own = alert({ rule: "hold_sum", value: 95, limit: 90 });
  expect(cause(troubled, [...others, own], 1005)).toMatchObject({
    kind: "alert",
    rule: "hold_sum",
  });
});

test("an urgent case is the cause although a clock has run out as well", () => {
  const both = seat({ trouble: "urgent", clock: ring() });
  const urgent = alert({ rule: "urgent", level: "escalation" });
  expect(cause(both, [alert(), urgent], 1020)).toMatchObject({ kind: "alert", rule: "urgent" });
});

test("a surge stands for its queue's warnings only, and only while it lasts", () => {
  const surge: Surge = {
    kind: "surge",
    pbx: "main",
    name: "hotline",
    level: 2,
    since: 1000,
    reached: ["waiting"],
    folds: true,
  };
  expect(isFolded("warning", surge)).toBe(true);
  expect(isFolded("breach", surge)).toBe(false);
  expect(isFolded("urgent", surge)).toBe(false);
  expect(isFolded("warning", { ...surge, level: 0 })).toBe(false);
  expect(isFolded("warning", { ...surge, folds: false })).toBe(false);
  expect(isFolded("warning", undefined)).toBe(false);
  expect([0, 1, 2, 3].map(surgeStrength)).toEqual(["calm", "warning", "breach", "breach"]);
});
