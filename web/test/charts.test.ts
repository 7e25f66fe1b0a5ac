import { expect, test } from "vitest";
import { type ChartRow, columnsOf, gapsOf, heard, spanOf, totalOf } from "../src/charts/rows";

const STEP = 900;

function row(n: number, changed: Partial<ChartRow> = {}): ChartRow {
  const none = { gap: false, offered: 0, answered: 0, abandoned: 0, in_time: 0, sl_of: 0 };
  return { at: n * STEP, ...none, ...changed };
}

test("abandoned stand upon answered, and the level in the middle of its interval", () => {
  const rows = [
    row(0, { offered: 5, answered: 3, abandoned: 1, in_time: 2, sl_of: 4 }),
    row(1, { offered: 1 }),
  ];
  expect(columnsOf(rows, STEP)).toEqual({
    at: [0, 450, 900, 1350, 1800],
    offered: [5, undefined, 1, undefined, 1],
    stacked: [4, undefined, 0, undefined, undefined],
    answered: [3, undefined, 0, undefined, undefined],
    // Nobody was judged in the second one: not 0 %.
    level: [undefined, 0.5, undefined, null, undefined],
  });
  expect(columnsOf([], STEP).at).toEqual([]);
});

test("neighbouring gaps are one", () => {
  const rows = [row(0, { gap: true }), row(1, { gap: true }), row(2), row(3, { gap: true })];
  expect(gapsOf(rows, STEP)).toEqual([
    { from: 0, to: 2 * STEP },
    { from: 3 * STEP, to: 4 * STEP },
  ]);
});

test("a long time before anything was heard is cut short, and nothing else", () => {
  const unheard = Array.from({ length: 10 }, (_, n) => row(n, { gap: true }));
  const rows = [...unheard, row(10, { gap: true, offered: 1 }), row(11), row(12, { gap: true })];
  expect(heard(rows).map(({ at }) => at / STEP)).toEqual([6, 7, 8, 9, 10, 11, 12]);
  expect(heard(rows.slice(10))).toEqual(rows.slice(10));
  expect(heard(unheard)).toEqual(unheard);
});

test("a young shift leaves room for what is to come", () => {
  expect(spanOf([], STEP)).toBeNull();
  expect(spanOf([row(0)], STEP)).toEqual({ from: 0, to: 4 * 3600 });
  const day = Array.from({ length: 32 }, (_, n) => row(n));
  expect(spanOf(day, STEP)).toEqual({ from: 0, to: 32 * STEP });
});

test("the whole is the sum of its intervals", () => {
  const rows = [row(0, { offered: 2, sl_of: 1 }), row(1, { offered: 3, in_time: 1, gap: true })];
  expect(totalOf(rows)).toEqual({
    gap: true,
    offered: 5,
    answered: 0,
    abandoned: 0,
    in_time: 1,
    sl_of: 1,
  });
});
