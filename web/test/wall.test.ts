import { expect, test } from "vitest";
import { DEFAULTS, readWallSetting, wallOptions } from "../src/wall/options";
import { after, chosen, nameOf, ROWS, slidesOf } from "../src/wall/rotation";
import { ailment, FRESH_S, MUTE_S, type Seen, STUCK_S } from "../src/wall/watchdog";

test("what was set is read as far as it makes sense", () => {
  expect(readWallSetting(null)).toEqual(DEFAULTS);
  expect(readWallSetting({ seconds: 2, period: "year", queues: ["a", 3], chart: false })).toEqual({
    ...DEFAULTS,
    seconds: 5,
    queues: ["a"],
    chart: false,
  });
  expect(readWallSetting({ seconds: Number.NaN, overview: 0 }).seconds).toBe(DEFAULTS.seconds);
});

test("the address goes before what was set", () => {
  const set = { ...DEFAULTS, seconds: 30, queues: ["x"] };
  expect(wallOptions("", set)).toEqual({ ...set, masked: false, lang: null });
  const said = "?seconds=9999&queues=a,,b&masked=1&lang=en&period=today";
  const found = wallOptions(said, set);
  expect(found).toMatchObject({ seconds: 600, queues: ["a", "b"], masked: true, lang: "en" });
  expect(found.period).toBe("today");
  expect(wallOptions("?seconds=soon&masked=yes", set)).toMatchObject({
    seconds: 30,
    masked: false,
  });
});

test("queues are found by name, with or without their PBX", () => {
  const keys = ["queue:m/a", "queue:m/b", "queue:n/a"];
  expect(chosen(keys, [])).toEqual(keys);
  expect(chosen(keys, ["b", "n/a", "gone"])).toEqual(["queue:m/b", "queue:n/a"]);
});

test("all queues together come first, in pages, then each", () => {
  const keys = Array.from({ length: ROWS + 1 }, (_, n) => `queue:m/${n}`);
  const slides = slidesOf(keys, true);
  expect(slides).toHaveLength(2 + keys.length);
  expect(slides[1]).toEqual({ kind: "overview", keys: [keys[ROWS]], page: 1 });
  expect(slidesOf(keys, false)).toHaveLength(keys.length);
  expect(slidesOf(["queue:m/1"], true).map(nameOf)).toEqual(["queue:m/1"]);
});

test("each picture has its turn, whatever order trouble gives them", () => {
  expect(after([], "a", 3)).toBe(0);
  expect(after(["a", "b"], null, 0)).toBe(0);
  expect(after(["a", "b"], "a", 0)).toBe(1);
  expect(after(["a", "b"], "b", 1)).toBe(0);
  // It went away: what stands in its place.
  expect(after(["a", "c"], "b", 1)).toBe(1);
});

test("the page is begun anew when it is mute, stuck or old, and only then", () => {
  const well: Seen = { now: 1000, started: 0, liveAt: 999, frameAt: 999, visible: true };
  expect(ailment(well)).toBeNull();
  expect(ailment({ ...well, liveAt: 999 - MUTE_S })).toBe("mute");
  expect(ailment({ ...well, frameAt: 999 - STUCK_S })).toBe("stuck");
  expect(ailment({ ...well, frameAt: 999 - STUCK_S, visible: false })).toBeNull();
  const late = FRESH_S + 1;
  expect(ailment({ ...well, now: late, liveAt: late, frameAt: late })).toBe("old");
});
