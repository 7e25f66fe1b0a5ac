import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Channel, OneTab, SLOW_MS, WAIT_MS } from "../src/live/onetab";

/** One air in which all tabs hear each other, as a BroadcastChannel does: not themselves. */
class Air {
  readonly channels: Channel[] = [];

  channel(): Channel {
    const own: Channel = {
      onmessage: null,
      postMessage: (word) => {
        for (const other of this.channels)
          if (other !== own) other.onmessage?.({ data: word } as MessageEvent<unknown>);
      },
    };
    this.channels.push(own);
    return own;
  }
}

let acts: string[] = [];
const act = (who: string) => () => acts.push(who);

beforeEach(() => {
  acts = [];
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function three(air = new Air()): OneTab[] {
  return [1, 2, 3].map((n) => new OneTab(air.channel(), `tab ${n}`, n));
}

test("the oldest acts at once, and nobody else", () => {
  const tabs = three();
  for (const [at, tab] of [...tabs.entries()].reverse()) tab.once("a", act(`${at}`));
  expect(acts).toEqual(["0"]);
  vi.advanceTimersByTime(WAIT_MS);
  expect(acts).toEqual(["0"]);
  tabs[0]?.once("a", act("again"));
  expect(acts).toEqual(["0"]);
});

test("whoever may sound goes before whoever may not", () => {
  const tabs = three();
  tabs[1]?.update({ able: true });
  for (const [at, tab] of tabs.entries()) tab.once("a", act(`${at}`));
  expect(acts).toEqual(["1"]);
  vi.advanceTimersByTime(WAIT_MS);
  expect(acts).toEqual(["1"]);
});

test("a tab that closes hands on, one that is gone without a word is waited for once", () => {
  const air = new Air();
  const tabs = three(air);
  tabs[0]?.leave();
  tabs[1]?.once("a", act("1"));
  expect(acts).toEqual(["1"]);
  // The second one crashes: it neither speaks nor hears, as the first one since it left.
  air.channels.splice(0, 2);
  tabs[2]?.once("b", act("2"));
  expect(acts).toEqual(["1"]);
  vi.advanceTimersByTime(WAIT_MS);
  expect(acts).toEqual(["1", "2"]);
  tabs[2]?.once("c", act("2"));
  expect(acts).toEqual(["1", "2", "2"]);
});

test("one that is there but slow is waited for longer, and not for ever", () => {
  const tabs = three();
  tabs[1]?.once("a", act("1"));
  vi.advanceTimersByTime(WAIT_MS);
  expect(acts).toEqual([]);
  tabs[0]?.once("a", act("0"));
  vi.advanceTimersByTime(SLOW_MS);
  expect(acts).toEqual(["0"]);
  tabs[1]?.once("b", act("1"));
  vi.advanceTimersByTime(WAIT_MS + SLOW_MS);
  expect(acts).toEqual(["0", "1"]);
});

test("without a channel every tab acts; a tab in front of another is known", () => {
  const alone = [new OneTab(null, "x", 1), new OneTab(null, "y", 2)];
  for (const tab of alone) tab.once("a", act("each"));
  expect(acts).toEqual(["each", "each"]);
  const tabs = three();
  expect(tabs[0]?.otherInFront).toBe(false);
  tabs[2]?.update({ front: true });
  expect([tabs[0]?.otherInFront, tabs[2]?.otherInFront]).toEqual([true, false]);
});
