import { expect, test } from "vitest";
import {
  EMPTY,
  freeSquare,
  type Plan,
  placed,
  readPlan,
  resized,
  standing,
  taken,
  unplaced,
  writePlan,
} from "../src/board/plan";

const plan = (seats: Record<string, [number, number]>, columns = 8, rows = 4): Plan =>
  readPlan({ columns, rows, seats });

test("what is written is read again", () => {
  const made = plan({ a: [0, 0], b: [7, 3] });
  expect(readPlan(JSON.parse(JSON.stringify(writePlan(made))))).toEqual(made);
});

test.each([
  null,
  [],
  "x",
  {},
  { columns: 0, rows: 3, seats: {} },
  { columns: 5, rows: 3 },
  { columns: 5.5, rows: 3, seats: {} },
  { columns: 999, rows: 3, seats: {} },
])("%j is no plan", (value) => {
  expect(readPlan(value)).toEqual(EMPTY);
});

test("squares that do not exist or are taken are left out", () => {
  const found = plan({ a: [1, 1], b: [1, 1], c: [8, 0], d: [-1, 0] });
  expect([...found.seats.keys()]).toEqual(["a"]);
  expect(readPlan({ columns: 4, rows: 4, seats: { a: "x", b: [1] } }).seats.size).toBe(0);
});

test("who is put on a taken square changes places", () => {
  const before = plan({ a: [0, 0], b: [1, 0] });
  const after = placed(before, "a", { x: 1, y: 0 });
  expect(standing(after, { x: 1, y: 0 })).toBe("a");
  expect(standing(after, { x: 0, y: 0 })).toBe("b");
  expect(before.seats.get("a")).toEqual({ x: 0, y: 0 });
});

test("who comes from outside takes the square, and the other goes out", () => {
  const after = placed(plan({ a: [0, 0] }), "b", { x: 0, y: 0 });
  expect([...after.seats.keys()]).toEqual(["b"]);
});

test("there is nothing beyond the walls", () => {
  const before = plan({ a: [0, 0] });
  for (const at of [
    { x: -1, y: 0 },
    { x: 0, y: -1 },
    { x: 8, y: 0 },
    { x: 0, y: 4 },
  ])
    expect(placed(before, "a", at)).toBe(before);
});

test("free squares are found row by row; a full room has none", () => {
  expect(freeSquare(plan({ a: [0, 0], b: [2, 0] }))).toEqual({ x: 1, y: 0 });
  const full = readPlan({ columns: 1, rows: 1, seats: { a: [0, 0] } });
  expect(freeSquare(full)).toBeNull();
});

test("a room never gets smaller than its seats need", () => {
  const made = resized(plan({ a: [7, 3] }, 10, 6), 1, 1);
  expect([made.columns, made.rows]).toEqual([8, 4]);
  expect(resized(made, 500, 500).columns).toBe(60);
});

test("who is not placed is not lost", () => {
  const made = plan({ a: [0, 0], b: [1, 0], gone: [2, 0] });
  expect(unplaced(made, ["a", "b", "c"])).toEqual(["c"]);
  expect(unplaced(taken(made, "a"), ["a", "b", "c"])).toEqual(["a", "c"]);
});
