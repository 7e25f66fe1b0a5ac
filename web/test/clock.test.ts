import { expect, test } from "vitest";
import { HOLD_AFTER_S, ServerClock, stoppedAt } from "../src/model/clock";
import { pbx } from "./samples";

test("time comes from the message with the least latency, not from the browser's clock", () => {
  const clock = new ServerClock();
  expect(clock.now(0)).toBeNull();
  // The server is 1000 s ahead of the local clock; latencies of 0.4, 0.02 and 0.9 s.
  clock.sample(1000, 0.4);
  clock.sample(1001, 1.02);
  clock.sample(1002, 2.9);
  expect(clock.now(3)).toBeCloseTo(1003 - 0.02, 6);
});

test("time never runs backwards for a better estimate", () => {
  const clock = new ServerClock();
  clock.sample(1000, 0);
  expect(clock.now(1)).toBeCloseTo(1001);
  // After half a minute the best sample is forgotten; the rest are all slower.
  let shown = 0;
  for (let at = 1; at < 70; at += 1) {
    clock.sample(1000 + at, at + 0.3);
    const now = clock.now(at + 0.3) as number;
    expect(now).toBeGreaterThanOrEqual(shown);
    shown = now;
  }
  expect(shown).toBeCloseTo(1069, 6);
});

test("a server clock that was set back is followed after a few messages", () => {
  const clock = new ServerClock();
  for (let at = 0; at < 5; at += 1) clock.sample(1000 + at, at);
  for (let at = 5; at < 12; at += 1) clock.sample(900 + at, at);
  expect(clock.now(12)).toBeCloseTo(912, 6);
});

test("without messages time stands still", () => {
  const clock = new ServerClock();
  clock.sample(1000, 0);
  expect(clock.now(HOLD_AFTER_S - 0.5)).toBeCloseTo(1000 + HOLD_AFTER_S - 0.5);
  expect(clock.now(60)).toBeCloseTo(1000 + HOLD_AFTER_S);
  expect(clock.silence(60)).toBe(60);
  clock.freeze(0);
  expect(clock.now(90)).toBe(1000);
  // Back again, on a machine whose local clock stood still meanwhile.
  clock.sample(5000, 100);
  expect(clock.now(100.5)).toBeCloseTo(5000.5);
});

test("a PBX's clocks stop with its link and run again only when it is up", () => {
  const down = pbx({ link: "down", since: 500 });
  const syncing = pbx({ link: "syncing", since: 520 });
  expect(stoppedAt(null, pbx())).toBeNull();
  expect(stoppedAt(null, down)).toBe(500);
  expect(stoppedAt(500, syncing)).toBe(500);
  expect(stoppedAt(500, pbx())).toBeNull();
  expect(stoppedAt(null, pbx({ link: "down", last_event_at: 7 }))).toBe(7);
});
