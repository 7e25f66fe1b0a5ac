import { expect, test } from "vitest";
import { alertsEn } from "../src/alerts/words.en";
import { alertsZh } from "../src/alerts/words.zh-CN";
import { chartsEn } from "../src/charts/words.en";
import { chartsZh } from "../src/charts/words.zh-CN";
import { langOf } from "../src/i18n";
import { deskEn } from "../src/desk/words.en";
import { deskZh } from "../src/desk/words.zh-CN";
import { commonEn } from "../src/i18n/common.en";
import { commonZh } from "../src/i18n/common.zh-CN";
import { historyEn } from "../src/history/words.en";
import { historyZh } from "../src/history/words.zh-CN";
import { en } from "../src/i18n/en";
import { zhCN } from "../src/i18n/zh-CN";
import { loginEn } from "../src/login/words.en";
import { loginZh } from "../src/login/words.zh-CN";
import { reportsEn } from "../src/reports/words.en";
import { reportsZh } from "../src/reports/words.zh-CN";
import { settingsEn } from "../src/settings/words.en";
import { settingsZh } from "../src/settings/words.zh-CN";
import { shiftEn } from "../src/shift/words.en";
import { shiftZh } from "../src/shift/words.zh-CN";
import { wallEn } from "../src/wall/words.en";
import { wallZh } from "../src/wall/words.zh-CN";

const CHINESE = /[\u3400-\u9fff]/;
// The switch is named in the language that it leads to; units and "÷" are the same in both.
const OTHER_LANGUAGE = new Set(["switchLanguage", "switchLanguageShort"]);
const SAME_IN_BOTH = new Set(["feed.age", "switchLanguageShort", "separator"]);

function texts(value: unknown, path = ""): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") {
    const args = Array.from({ length: value.length }, (_, index) => index + 2);
    return [[path, value(...args)]];
  }
  return Object.entries(value as object).flatMap(([key, inner]) =>
    texts(inner, path === "" ? key : `${path}.${key}`),
  );
}

const CATALOGUES: readonly (readonly [name: string, zh: object, en: object])[] = [
  ["wallboard", zhCN, en],
  ["common", commonZh, commonEn],
  ["login", loginZh, loginEn],
  ["desk", deskZh, deskEn],
  ["shift", shiftZh, shiftEn],
  ["wall", wallZh, wallEn],
  ["charts", chartsZh, chartsEn],
  ["alerts", alertsZh, alertsEn],
  ["settings", settingsZh, settingsEn],
  ["history", historyZh, historyEn],
  ["reports", reportsZh, reportsEn],
];

test.each(CATALOGUES)(
  "%s: both languages say the same, each in its own words",
  (_name, zh, own) => {
    const chinese = new Map(texts(zh));
    const english = new Map(texts(own));
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort());
    for (const [path, text] of english) {
      expect(text, path).not.toBe("");
      if (!OTHER_LANGUAGE.has(path)) expect(CHINESE.test(text), `${path}: ${text}`).toBe(false);
      const words = /[A-Za-z]{3}/.test(text) && !SAME_IN_BOTH.has(path);
      if (words && !OTHER_LANGUAGE.has(path))
        expect(CHINESE.test(chinese.get(path) ?? ""), `${path}: ${chinese.get(path)}`).toBe(true);
    }
  },
);

test("language tags find their language", () => {
  expect(["zh-CN", "zh", "ZH_tw", "en-GB", "fr", ""].map(langOf)).toEqual([
    "zh-CN",
    "zh-CN",
    "zh-CN",
    "en",
    null,
    null,
  ]);
});
