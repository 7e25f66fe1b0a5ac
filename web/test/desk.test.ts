import { expect, test } from "vitest";
import type { CategorySpec, Form, Phrase } from "../src/api/types";
import {
  countdown,
  dueStrength,
  timeFor,
  figure,
  signalOf,
  titleOf,
  type TitleWords,
} from "../src/desk/countdown";
import { actionOf, type Action, keymap, keyOf, type Pressed } from "../src/desk/hotkeys";
import { phraseFor, spoken } from "../src/desk/phrases";
import { categoriesOf, orderClock } from "../src/live/form";
import type { SeatClock } from "../src/model/types";
import { ring } from "./samples";

function category(key: string, hotkey = ""): CategorySpec {
  const label = { zh: key, en: key };
  return {
    key,
    label,
    hotkey,
    fields: [],
    needs_reply: false,
    forward: false,
    owner: "",
    director: "",
  };
}

function press(key: string, changes: Partial<Pressed> = {}): Pressed {
  const code = /^[a-z]$/i.test(key)
    ? `Key${key.toUpperCase()}`
    : /^\d$/.test(key)
      ? `Digit${key}`
      : "";
  return {
    key,
    code,
    altKey: false,
    ctrlKey: false,
    metaKey: false,
    shiftKey: false,
    isComposing: false,
    repeat: false,
    ...changes,
  };
}

function name(action: Action | null): string | null {
  if (action === null) return null;
  return action.is === "category" ? `category ${action.key}` : action.what;
}

const MAP = keymap([category("consult", "1"), category("complaint", "y")]);

test("categories have their keys; a key of the desk that is taken moves to Shift", () => {
  expect(name(actionOf(press("1"), false, MAP))).toBe("category consult");
  expect(name(actionOf(press("y"), false, MAP))).toBe("category complaint");
  expect(name(actionOf(press("Y", { shiftKey: true }), false, MAP))).toBe("consent");
  expect(name(actionOf(press("u"), false, MAP))).toBe("urgent");
  expect(keyOf(MAP, "consent")).toBe("Shift+Y");
  expect(keyOf(MAP, { category: "consult" })).toBe("1");
  expect(keyOf(MAP, { category: "nothing" })).toBe("");
});

test("in a text field letters are text; with Alt they are keys, whatever Alt makes of them", () => {
  expect(actionOf(press("u"), true, MAP)).toBeNull();
  expect(actionOf(press("1"), true, MAP)).toBeNull();
  expect(name(actionOf(press("¨", { altKey: true, code: "KeyU" }), true, MAP))).toBe("urgent");
  expect(name(actionOf(press("1", { altKey: true }), true, MAP))).toBe("category consult");
  expect(name(actionOf(press("?", { shiftKey: true }), true, MAP))).toBeNull();
  expect(name(actionOf(press("?", { shiftKey: true }), false, MAP))).toBe("help");
});

test("completing and saving work anywhere; the browser's own combinations are left alone", () => {
  for (const inText of [true, false]) {
    expect(name(actionOf(press("Enter", { ctrlKey: true }), inText, MAP))).toBe("complete");
    expect(name(actionOf(press("s", { ctrlKey: true }), inText, MAP))).toBe("save");
    expect(actionOf(press("u", { ctrlKey: true }), inText, MAP)).toBeNull();
    expect(actionOf(press("s", { ctrlKey: true, shiftKey: true }), inText, MAP)).toBeNull();
    // AltGr arrives as Ctrl and Alt together.
    expect(actionOf(press("u", { ctrlKey: true, altKey: true }), inText, MAP)).toBeNull();
  }
});

test("an input method's keys and a held key do nothing", () => {
  expect(actionOf(press("1", { isComposing: true }), false, MAP)).toBeNull();
  expect(actionOf(press("Process"), false, MAP)).toBeNull();
  expect(actionOf(press("u", { repeat: true }), false, MAP)).toBeNull();
});

const HOLD: SeatClock = {
  rule: "hold",
  from: 1000,
  warn_at: 1020,
  breach_at: 1030,
  ring_cycle_s: null,
  stopped: false,
};

test("a hold counts down to its limit, warns at 20 s, and then counts what is over", () => {
  const at = (seconds: number) => {
    const count = countdown(HOLD, 1000 + seconds);
    return count === null ? null : [figure(count), count.strength];
  };
  expect(at(0)).toEqual(["30", "calm"]);
  expect(at(12.3)).toEqual(["18", "calm"]);
  expect(at(20)).toEqual(["10", "warning"]);
  expect(at(29.9)).toEqual(["1", "warning"]);
  expect(at(30)).toEqual(["+0:00", "breach"]);
  expect(at(95.5)).toEqual(["+1:05", "breach"]);
  expect(countdown(HOLD, 1015)?.bar).toMatchObject({ fill: 0.5, mark: 2 / 3 });
});

test("a clock of the future is at its beginning; one that stands still says nothing", () => {
  expect(countdown(HOLD, 990)?.left).toBe(30);
  expect(countdown({ ...HOLD, stopped: true }, 1010)).toBeNull();
  expect(countdown(HOLD, null)).toBeNull();
  expect(countdown(null, 1010)).toBeNull();
});

test("without a limit it counts up, and is never a breach", () => {
  const count = countdown({ ...HOLD, rule: "consult", warn_at: 1030, breach_at: null }, 1061);
  expect(count).toMatchObject({ strength: "warning", left: null });
  expect(count === null ? "" : figure(count)).toBe("1:01");
});

const WORDS: TitleWords = { name: "工作台", state: "保持", breach: "超时", warning: "预警" };
const NONE = { all: 0, overdue: 0 };

test("the title begins with what runs out", () => {
  expect(titleOf(WORDS, "available", null, NONE)).toBe("工作台");
  expect(titleOf(WORDS, "available", null, { all: 2, overdue: 0 })).toBe("(2) 工作台");
  expect(titleOf(WORDS, "available", null, { all: 2, overdue: 1 })).toBe("‼ 超时 – (2) 工作台");
  expect(titleOf(WORDS, "holding", countdown(HOLD, 1005), NONE)).toBe("25 保持 – 工作台");
  expect(titleOf(WORDS, "holding", countdown(HOLD, 1022), NONE)).toBe("⚠ 预警 8 保持 – 工作台");
  expect(titleOf(WORDS, "holding", countdown(HOLD, 1033), { all: 1, overdue: 0 })).toBe(
    "‼ 超时 +0:03 保持 – (1) 工作台",
  );
  expect(titleOf({ ...WORDS, state: "振铃" }, "ringing", countdown(ring(), 1002), NONE)).toBe(
    "8 振铃 – 工作台",
  );
});

test("warnings and breaches have signals; who hung up is judged afterwards and has none", () => {
  expect(signalOf("warning", "hold")).toBe("warning");
  expect(signalOf("breach", "hold")).toBe("breach");
  expect(signalOf("escalation", "work_order")).toBe("breach");
  expect(signalOf("breach", "hangup_order")).toBeNull();
});

test("an order warns five minutes before it is due", () => {
  expect(dueStrength(null, false, 1000, 300)).toBe("calm");
  expect(dueStrength(1301, false, 1000, 300)).toBe("calm");
  expect(dueStrength(1300, false, 1000, 300)).toBe("warning");
  expect(dueStrength(1000, false, 1000, 300)).toBe("breach");
  expect(dueStrength(null, true, 1000, 300)).toBe("breach");
  expect(dueStrength(900, false, null, 300)).toBe("calm");
});

function phrase(key: string, changes: Partial<Phrase> = {}): Phrase {
  return { key, situation: "closing", title: key, text: key, queues: [], category: "", ...changes };
}

test("the phrase of the category, then of the queue, goes before the one for all", () => {
  const known = [
    phrase("all"),
    phrase("queue", { queues: ["hotline"] }),
    phrase("complaint", { category: "complaint" }),
    phrase("other", { queues: ["sales"] }),
    phrase("greeting", { situation: "greeting" }),
  ];
  expect(phraseFor(known, "closing", "hotline", "complaint")?.key).toBe("complaint");
  expect(phraseFor(known, "closing", "hotline", "help")?.key).toBe("queue");
  expect(phraseFor(known, "closing", null, "")?.key).toBe("all");
  expect(phraseFor(known, "praise", null, "")).toBeNull();
  expect(spoken("我的工号是 {login}，{queue}", { login: "8001", queue: "热线" })).toBe(
    "我的工号是 8001，热线",
  );
});

test("a queue's own categories replace the common ones of the same key", () => {
  const own = { ...category("consult"), needs_reply: true };
  const form = {
    categories: { "": [category("consult"), category("help")], q: [own, category("x")] },
  };
  const keys = (queue: string | null) =>
    categoriesOf(form as unknown as Form, queue).map(({ key, needs_reply }) => [key, needs_reply]);
  expect(keys(null)).toEqual([
    ["consult", false],
    ["help", false],
  ]);
  expect(keys("q")).toEqual([
    ["consult", true],
    ["help", false],
    ["x", false],
  ]);
  expect(categoriesOf(null, "q")).toEqual([]);
});

test("an order's time and its first reminder are its queue's and its seat group's", () => {
  const clock = (queue: string, group: string, due_s: number, remind_s: number[]) => ({
    pbx: "main",
    queue,
    group,
    due_s,
    missed_due_s: 1800,
    remind_s,
  });
  const book = {
    order_clocks: [
      clock("", "", 900, [600, 780]),
      clock("", "night", 600, []),
      clock("vip", "", 300, [200]),
      clock("vip", "night", 120, [60]),
    ],
  } as unknown as Form;
  const of = (queue: string | null, group: string) =>
    timeFor("call", orderClock(book, { pbx: "main", queue }, group));
  expect(of(null, "")).toEqual({ limit_s: 900, warn_s: 300 });
  expect(of("hotline", "night")).toEqual({ limit_s: 600, warn_s: 0 });
  expect(of("vip", "day")).toEqual({ limit_s: 300, warn_s: 100 });
  expect(of("vip", "night")).toEqual({ limit_s: 120, warn_s: 60 });
  const missed = timeFor("missed", orderClock(book, { pbx: "main", queue: "vip" }, ""));
  expect(missed).toEqual({ limit_s: 1800, warn_s: 0 });
  expect(orderClock(book, { pbx: "other", queue: "vip" }, "")).toBe(null);
});
