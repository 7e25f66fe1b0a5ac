import { describe, expect, test } from "vitest";
import {
  asked,
  callOf,
  figureOf,
  filtersOf,
  listPart,
  secondsOf,
  shownMoment,
  wrongFields,
} from "../src/history/filters";
import { hrefOf, placeOf } from "../src/history/place";
import { course, drawn, gapsWithin, soundAt, spelt, ticks } from "../src/history/timeline";
import type { Story, StoryAlert, StoryLeg } from "../src/history/types";
import { clockOf, dateOf, dayAfter, dayOf, midnightOf, momentOf } from "../src/history/zone";

const CHINA = 8 * 3600;
/** 2026-03-01 00:00 in China. */
const MIDNIGHT = Date.UTC(2026, 1, 28, 16) / 1000;

describe("moments of the site's zone", () => {
  test("are not the browser's", () => {
    expect(dateOf(MIDNIGHT, CHINA)).toBe("2026-03-01");
    expect(dateOf(MIDNIGHT - 1, CHINA)).toBe("2026-02-28");
    expect(clockOf(MIDNIGHT + 3599.96, CHINA, "t")).toBe("00:59:59.9");
    expect(clockOf(MIDNIGHT - 0.1 - 0.2 + 0.3, CHINA, "t")).toBe("00:00:00.0");
    expect(midnightOf("2026-03-01", CHINA)).toBe(MIDNIGHT);
    expect(momentOf("2026-03-01T08:30", CHINA)).toBe(MIDNIGHT + 8.5 * 3600);
    expect(dayAfter("2026-02-28", 1)).toBe("2026-03-01");
  });

  test.each(["2026-02-30", "2026-3-1", "", "2026-03-01T24:00", "2026-03-01T08"])(
    "%s is none",
    (text) => {
      expect(momentOf(text, CHINA)).toBeNull();
    },
  );

  test("a day begins with the shift, and is called by its first date", () => {
    expect(dayOf(MIDNIGHT + 5 * 3600, CHINA, 6 * 3600)).toBe("2026-02-28");
    expect(dayOf(MIDNIGHT + 6 * 3600, CHINA, 6 * 3600)).toBe("2026-03-01");
  });
});

describe("an address", () => {
  test("is read as it was written, below a proxy's path too", () => {
    const query = { number: "138 0000", queue: "热线", call: "main/1700.1" };
    const href = hrefOf("calls", { ...query, person: "", seat: null });
    expect(href).toContain("call=main/1700.1");
    const url = new URL(href, "http://a/agentd/people");
    expect(placeOf(url.pathname, url.search)).toEqual({ page: "calls", query });
  });

  test("of no page is the first one", () => {
    expect(placeOf("/history.html", "").page).toBe("calls");
  });

  test("names a call by its PBX and id, which may have slashes", () => {
    expect(callOf("main/1700.1")).toEqual(["main", "1700.1"]);
    expect(callOf("main/a/b")).toEqual(["main", "a/b"]);
    expect([callOf("main"), callOf("/x"), callOf("main/"), callOf(undefined)]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });
});

describe("the filter of calls", () => {
  const filters = filtersOf({ number: " 138 ", from: "2026-03-01T08:00", hold_min: "1:30" });

  test("is asked in seconds", () => {
    const query = asked(filters, CHINA);
    expect(query.from).toBe(MIDNIGHT + 8 * 3600);
    expect([query.number, query.hold_min_s, query.to]).toEqual(["138", 90, null]);
    expect(asked(filtersOf({ from: "1772294400.5" }), CHINA).from).toBe(1772294400.5);
    expect(shownMoment("1772294400", CHINA)).toBe("2026-03-01T00:00");
  });

  test.each([
    ["90", 90],
    ["1:30", 90],
    ["1：02：03", 3723],
    ["", null],
    ["1:", null],
    ["-5", null],
  ])("%s is %s seconds", (text, seconds) => {
    expect(secondsOf(text)).toBe(seconds);
  });

  test("says which of its fields are wrong", () => {
    const bad = filtersOf({ wait_min: "soon", from: "2026-03-02T00:00", to: "2026-03-01T00:00" });
    expect(wrongFields(bad, CHINA)).toEqual(["wait_min", "to"]);
    expect(wrongFields(filters, CHINA)).toEqual([]);
    expect(wrongFields(filtersOf({ talk_min: "100000" }), CHINA)).toEqual(["talk_min"]);
  });

  test("may be a figure's", () => {
    const query = { kind: "queue", name: "main/hotline", metric: "answered", call: "main/1" };
    expect(figureOf(query)).toEqual({
      kind: "queue",
      name: "main/hotline",
      metric: "answered",
      window: "today",
    });
    expect(figureOf({ name: "x" })).toBeNull();
    expect(Object.keys(listPart(query))).toEqual(["kind", "name", "metric"]);
  });
});

function leg(changes: Partial<StoryLeg> = {}): StoryLeg {
  return {
    pbx: "main",
    call: "c",
    leg: "l1",
    seat: "PJSIP/1",
    agent: "8001",
    queue: "hotline",
    direction: "inbound",
    caller: "138",
    offered_at: 10,
    ringing_at: 11,
    answered_at: 15,
    ended_at: 100,
    ring_s: 4,
    talk_s: 85,
    hold_s: 20,
    holds: [{ kind: "hold", at: 40, seconds_s: 20 }],
    outcome: "answered",
    ended_by: "transfer",
    estimated: false,
    gap: false,
    evidence: [],
    ...changes,
  };
}

function alert(changes: Partial<StoryAlert>): StoryAlert {
  return {
    id: "a",
    spell: "s",
    at: 60,
    level: "breach",
    rule: "hold",
    seat: "PJSIP/1",
    agent: "8001",
    queue: "hotline",
    value_s: 30,
    limit_s: 30,
    notes: [],
    ...changes,
  };
}

function story(changes: Partial<Story> = {}): Story {
  return {
    line: null,
    visits: [
      {
        pbx: "main",
        call: "c",
        queue: "hotline",
        caller: "138",
        joined_at: 0,
        left_at: 15,
        wait_s: 15,
        outcome: "answered",
        seat: "PJSIP/1",
        agent: "8001",
        limit_s: 15,
        short_s: 5,
        estimated: false,
        gap: false,
      },
    ],
    legs: [leg()],
    wrap_ups: [
      { leg: "l1", seat: "PJSIP/1", agent: "8001", from_at: 100, to_at: 130, ended_by: "order" },
    ],
    alerts: [],
    violations: [],
    contacts: [],
    order: null,
    recordings: [],
    gaps: [],
    held: false,
    own: false,
    ...changes,
  };
}

describe("a call drawn", () => {
  test("has a lane for the waiting and one for each seat, with every part of it", () => {
    const second = leg({
      leg: "l2",
      seat: "PJSIP/2",
      agent: null,
      offered_at: 90,
      ringing_at: 90,
      answered_at: null,
      ended_at: 96,
      outcome: "rejected",
      ended_by: null,
      holds: [],
    });
    const picture = drawn(story({ legs: [second, leg()] }));
    expect(picture?.from).toBe(0);
    expect(picture?.to).toBe(130);
    expect(picture?.lanes.map(({ key }) => key)).toEqual(["waiting", "PJSIP/1", "PJSIP/2"]);
    const [waiting, first, rejected] = picture?.lanes ?? [];
    expect(waiting?.parts).toEqual([
      { kind: "wait", from: 0, to: 15, open: false, end: "answered" },
    ]);
    expect(first?.parts.map(({ kind, from, to }) => [kind, from, to])).toEqual([
      ["offered", 10, 11],
      ["ring", 11, 15],
      ["talk", 15, 100],
      ["hold", 40, 60],
      ["wrap_up", 100, 130],
    ]);
    expect(first?.transfers).toEqual([100]);
    expect(rejected?.parts).toEqual([
      { kind: "ring", from: 90, to: 96, open: false, end: "rejected" },
    ]);
  });

  test("a hold whose beginning or end was not heard is open", () => {
    const holds = [
      { kind: "hold", at: null, seconds_s: 5 },
      { kind: "park", at: 80, seconds_s: null },
    ] as const;
    const parts = drawn(story({ legs: [leg({ holds })] }))?.lanes[1]?.parts ?? [];
    expect(parts.filter(({ open }) => open).map(({ kind, from, to }) => [kind, from, to])).toEqual([
      ["hold", 15, 20],
      ["park", 80, 100],
    ]);
  });

  test("marks a violation once, and what was excused as such", () => {
    const violation = {
      pbx: "main",
      id: "v",
      at: 60,
      rule: "hold",
      seat: "PJSIP/1",
      agent: "8001",
      call: "c",
      leg: "l1",
      value_s: 30,
      limit_s: 30,
      evidence: [],
    } as const;
    const judged = { violation, owner: null, appeals: [], standing: false, order: null };
    const alerts = [
      alert({ level: "warning", at: 50 }),
      alert({}),
      alert({ level: "cleared", at: 66, value_s: 36 }),
    ];
    const lanes = drawn(story({ alerts, violations: [judged as never] }))?.lanes ?? [];
    expect(lanes[1]?.marks.map(({ at, violation, excused }) => [at, violation, excused])).toEqual([
      [50, false, false],
      [60, true, true],
    ]);
  });

  test("of nothing is no drawing", () => {
    expect(drawn(story({ visits: [], legs: [], wrap_ups: [] }))).toBeNull();
  });

  test("its course says the same in words, in order", () => {
    expect(course(story()).map(({ at, what }) => [at, what])).toEqual([
      [0, "joined"],
      [11, "ringing"],
      [15, "answered"],
      [40, "hold"],
      [100, "ended"],
      [130, "wrap_up"],
    ]);
  });

  test("gaps are cut to it; one that goes on ends with it", () => {
    const gaps = [
      { pbx: "main", from_at: -50, to_at: 10 },
      { pbx: "main", from_at: 120, to_at: null },
      { pbx: "main", from_at: 200, to_at: 300 },
    ];
    expect(gapsWithin(gaps, 0, 130)).toEqual([
      { from: 0, to: 10 },
      { from: 120, to: 130 },
    ]);
  });

  test("alerts of one thing are one, as bad and as long as it came to be", () => {
    const found = spelt([
      alert({ level: "cleared", at: 66, value_s: 36 }),
      alert({ level: "warning", at: 50, value_s: 20 }),
      alert({ at: 60 }),
      alert({ spell: "other", level: "warning", at: 55, value_s: null }),
    ]);
    expect(
      found.map(({ key, level, at, ended_at, value_s }) => [key, level, at, ended_at, value_s]),
    ).toEqual([
      ["s", "breach", 50, 66, 36],
      ["other", "warning", 55, null, null],
    ]);
  });

  test("ticks stand on whole steps of local time", () => {
    const half = 5.5 * 3600;
    expect(ticks(0, 7200, 3, half).map((at) => clockOf(at, half))).toEqual(["06:00", "07:00"]);
    expect(ticks(3, 21, 4, 0)).toEqual([5, 10, 15, 20]);
  });

  test("a moment finds the recording that sounds then", () => {
    const recordings = [
      { id: "a", started_at: 0, ended_at: 10 },
      { id: "b", started_at: 20, ended_at: null },
    ];
    expect([5, 15, 25, 31].map((at) => soundAt(recordings, at, 30)?.id ?? null)).toEqual([
      "a",
      null,
      "b",
      null,
    ]);
  });
});
