import { expect, test } from "vitest";
import { keptAside, putAside } from "../src/live/aside";
import { dateText, dayStart, inputText, momentOf } from "../src/model/dates";
import { dayAndTime, timeOfDay } from "../src/model/format";

const CHINA_S = 8 * 3600;
/** 2026-03-01 23:30 in China, 15:30 UTC. */
const AT = Date.UTC(2026, 2, 1, 15, 30) / 1000;

test("times are shown and entered in the site's zone, wherever the browser is", () => {
  expect(timeOfDay(AT, "zh-CN", CHINA_S, false)).toBe("23:30");
  expect(timeOfDay(AT, "en", -5 * 3600, false)).toBe("10:30");
  expect(inputText(AT, CHINA_S)).toBe("2026-03-01T23:30");
  expect(momentOf("2026-03-01T23:30", CHINA_S)).toBe(AT);
  expect(dateText(dayStart(AT, CHINA_S), CHINA_S)).toBe("2026-03-01");
});

test("another day is another day of the site", () => {
  expect(dayAndTime(AT, AT + 1200, "zh-CN", CHINA_S)).toBe("23:30");
  expect(dayAndTime(AT, AT + 3600, "zh-CN", CHINA_S)).toBe("3月1日 23:30");
  expect(dayAndTime(AT, AT + 3600, "zh-CN", 0)).toBe("15:30");
});

test("texts are kept beside the other settings, empty ones and strangers are not", () => {
  const settings = { sound: "soft", drafts: { a: "x", b: 3, c: "" } };
  expect(keptAside(settings)).toEqual({ a: "x" });
  expect(keptAside({ drafts: [1] })).toEqual({});
  expect(putAside(settings, { a: "", d: "y" })).toEqual({ sound: "soft", drafts: { d: "y" } });
});
