import { describe, expect, test } from "vitest";
import { periodOf } from "../src/history/period";
import { busyPart, level, quarters, series, summed } from "../src/history/queueday";
import { hours, signedIn, strips, totals, working } from "../src/history/strip";
import { metricValue, together, valueOf } from "../src/history/sums";
import type { Metric, Quarter, SeatSpan } from "../src/history/types";

const CHINA = 8 * 3600;
/** 2026-03-01 00:00 in China. */
const MIDNIGHT = Date.UTC(2026, 1, 28, 16) / 1000;

function span(state: SeatSpan["state"], from_at: number, to_at: number | null): SeatSpan {
  const pause_reason = state === "paused" ? "lunch" : null;
  return {
    pbx: "main",
    seat: "PJSIP/1",
    agent: "8001",
    state,
    pause_reason,
    queues: [],
    from_at,
    to_at,
  };
}

describe("a shift as a strip", () => {
  const spans = [
    span("available", 0, 100),
    span("paused", 100, 160),
    span(null, 160, 200),
    span("talking", 200, null),
  ];

  test("is cut to its time; what goes on ends now", () => {
    const [strip] = strips(spans, 50, 1000, 260);
    expect(strip?.pieces.map(({ state, from, to, open }) => [state, from, to, open])).toEqual([
      ["available", 50, 100, false],
      ["paused", 100, 160, false],
      ["gap", 160, 200, false],
      ["talking", 200, 260, true],
    ]);
  });

  test("adds up, pauses by reason; a gap is no time at work", () => {
    const found = strips(spans, 0, 1000, 260);
    expect(totals(found).map(({ state, reason, seconds }) => [state, reason, seconds])).toEqual([
      ["available", null, 100],
      ["talking", null, 60],
      ["paused", "lunch", 60],
      ["gap", null, 40],
    ]);
    expect(signedIn(found)).toBe(220);
  });

  test("its time at work leaves out being logged out at both ends", () => {
    const found = strips([span("logged_out", 0, 50), ...spans.slice(1)], 0, 1000, 260);
    expect(working(found)).toEqual([100, 260]);
    expect(working([])).toBeNull();
  });

  test("two phones are two strips", () => {
    const other = { ...span("available", 0, 10), seat: "PJSIP/2" };
    expect(strips([...spans, other], 0, 1000, 260)).toHaveLength(2);
  });

  test("its lines are the hours of local time", () => {
    expect(hours(MIDNIGHT + 100, MIDNIGHT + 7200, CHINA)).toEqual([MIDNIGHT, MIDNIGHT + 3600]);
  });
});

describe("a day and hours of it", () => {
  const of = (query: Record<string, string>, starts = 0) =>
    periodOf(query, "2026-03-01", CHINA, starts);

  test("is today's day, or any other", () => {
    expect(of({}).from).toBe(MIDNIGHT);
    expect(of({ date: "2026-02-28" }, 6 * 3600)).toMatchObject({
      from: MIDNIGHT - 18 * 3600,
      to: MIDNIGHT + 6 * 3600,
    });
    expect(of({ date: "yesterday" }).date).toBe("2026-03-01");
  });

  test("a night shift is of the day on which it began", () => {
    const night = of({ begins: "20:00", ends: "08:00" });
    expect([night.from, night.to]).toEqual([MIDNIGHT + 20 * 3600, MIDNIGHT + 32 * 3600]);
    const late = of({ begins: "02:00", ends: "05:00" }, 6 * 3600);
    expect(late.from).toBe(MIDNIGHT + 26 * 3600);
  });
});

function quarter(at: number, changes: Partial<Quarter> = {}): Quarter {
  return {
    at,
    offered: 0,
    answered: 0,
    within_limit: 0,
    abandoned: 0,
    short_abandons: 0,
    let_go: 0,
    moved: 0,
    unknown: 0,
    wait_s: 0,
    longest_s: 0,
    estimated: 0,
    gap: false,
    ...changes,
  };
}

describe("a queue's day", () => {
  const day = {
    queue: "hotline",
    from_at: MIDNIGHT,
    to_at: MIDNIGHT + 86_400,
    quarters: [
      quarter(MIDNIGHT + 32_400, {
        offered: 10,
        answered: 8,
        within_limit: 6,
        abandoned: 2,
        short_abandons: 2,
        longest_s: 40,
      }),
      quarter(MIDNIGHT + 34_200, { offered: 4, answered: 4, within_limit: 3, longest_s: 20 }),
    ],
    gaps: [{ pbx: "main", from_at: MIDNIGHT + 33_400, to_at: MIDNIGHT + 33_500 }],
  };

  test("has its empty quarters, and says which ones a gap touches", () => {
    const all = quarters(day, MIDNIGHT + 32_400, MIDNIGHT + 36_000);
    expect(all.map(({ offered, gap }) => [offered, gap])).toEqual([
      [10, false],
      [0, true],
      [4, false],
      [0, false],
    ]);
  });

  test("adds up exactly; the level leaves short abandons out", () => {
    const sum = summed(day.quarters);
    expect([sum.offered, sum.answered, sum.longest_s]).toEqual([14, 12, 40]);
    expect(level(sum)).toBe(9 / 12);
    expect(level(quarter(0))).toBeNull();
  });

  test("is drawn where something was, holes where nothing can be divided", () => {
    expect(busyPart(day, 0)).toEqual({ from: MIDNIGHT + 32_400, to: MIDNIGHT + 36_000 });
    const before = { pbx: "main", from_at: MIDNIGHT + 28_700, to_at: MIDNIGHT + 28_790 };
    expect(busyPart({ ...day, gaps: [before] }, MIDNIGHT + 86_400).from).toBe(MIDNIGHT + 25_200);
    const ever = { pbx: "main", from_at: MIDNIGHT - 500, to_at: MIDNIGHT + 32_100 };
    expect(busyPart({ ...day, gaps: [ever] }, MIDNIGHT + 86_400).from).toBe(MIDNIGHT + 25_200);
    const drawing = series(quarters(day, MIDNIGHT + 32_400, MIDNIGHT + 34_200));
    expect(drawing.level).toEqual([75, null]);
  });
});

describe("figures from sums", () => {
  const metric = (changes: Partial<Metric>): Metric => ({
    key: "m",
    name: { zh: "指标", en: "metric" },
    formula: { zh: "", en: "" },
    example: { zh: "", en: "" },
    left_out: null,
    unit: "share",
    kinds: ["person"],
    num: ["answered"],
    den: ["offered", "-short_abandons"],
    source: "",
    ...changes,
  });
  const { sums, gap } = together([
    { at: 0, gap: false, answered: 2, offered: 3, talk_s: 50, signed_in_s: 900 },
    {
      at: 900,
      gap: true,
      answered: 1,
      offered: 2,
      short_abandons: 1,
      talk_s: 40,
      signed_in_s: 900,
    },
  ]);

  test("are made of the named sums, times in seconds", () => {
    expect(gap).toBe(true);
    expect(valueOf(metric({}), sums)).toBe(3 / 4);
    expect(valueOf(metric({ unit: "seconds", num: ["talk_us"], den: ["answered"] }), sums)).toBe(
      30,
    );
    expect(valueOf(metric({ unit: "per_hour", den: ["signed_in_us"] }), sums)).toBe(6);
    expect(valueOf(metric({ unit: "count", den: [] }), sums)).toBe(3);
    expect(valueOf(metric({ den: ["never"] }), sums)).toBeNull();
  });

  test("are never rounded up to more than they are", () => {
    expect(metricValue("share", 0.99999)).toBe("99.9%");
    expect(metricValue("share", 1)).toBe("100.0%");
    expect(metricValue("seconds", 65.25)).toBe("65.3 s");
    expect(metricValue("seconds", 125)).toBe("2:05");
    expect(metricValue("share", null)).toBe("–");
  });
});
