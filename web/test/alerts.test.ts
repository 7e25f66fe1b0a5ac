import { expect, test } from "vitest";
import { alertsQuery, EVERYTHING, readFilter, spanFrom, writeFilter } from "../src/alerts/filter";
import { heardFor, loadOf } from "../src/alerts/load";

test("a filter survives the address, and nothing strange comes from there", () => {
  const filter = {
    rule: "hold",
    level: "breach",
    seat: "PJSIP/8001",
    person: "8001",
    queue: "hotline",
    span: "week",
    open: false,
  } as const;
  expect(readFilter(writeFilter(filter))).toEqual(filter);
  expect(writeFilter(EVERYTHING)).toBe("");
  expect(readFilter("?rule=love&level=x&span=year&open=maybe")).toEqual(EVERYTHING);
});

test("what is not asked for is not sent", () => {
  expect(alertsQuery(EVERYTHING, 100)).toEqual({
    rule: null,
    level: null,
    seat: null,
    person: null,
    queue: null,
    acknowledged: false,
    from: 100,
  });
  // All of them: not only those that are acknowledged.
  expect(alertsQuery({ ...EVERYTHING, open: false }, 0).acknowledged).toBeNull();
});

test("a shift that is not known is a day", () => {
  expect(spanFrom("shift", 100_000, 90_000)).toBe(90_000);
  expect(spanFrom("shift", 100_000, null)).toBe(13_600);
  expect(spanFrom("week", 700_000, 1)).toBe(95_200);
});

test("the seats with the most alerts come first, per hour", () => {
  const line = (seat: string | null, level: string, count: number) => ({
    pbx: "m",
    seat,
    queue: null,
    level,
    rule: "ring",
    count,
  });
  const lines = [
    line("1", "warning", 3),
    line("2", "warning", 10),
    line("1", "breach", 1),
    line("2", "escalation", 4),
    line("3", "cleared", 9),
    line(null, "breach", 1),
  ];
  const found = loadOf(lines, 7200);
  expect(found.map(({ seat, total, perHour }) => [seat, total, perHour])).toEqual([
    ["2", 14, 7],
    ["1", 4, 2],
    [null, 1, 0.5],
  ]);
  // Two alerts in the first minute of a shift are not 120 an hour.
  expect(loadOf([line("1", "warning", 2)], 60)[0]?.perHour).toBe(4);
});

test("what was not heard raised no alerts", () => {
  expect(heardFor(0, 100, [])).toBe(100);
  expect(
    heardFor(0, 100, [
      [
        { from_at: -50, to_at: 20 },
        { from_at: 90, to_at: null },
      ],
    ]),
  ).toBe(70);
  expect(heardFor(0, 100, [[{ from_at: 0, to_at: 50 }], []])).toBe(100);
});
