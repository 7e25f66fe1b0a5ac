import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const css = readFileSync(new URL("../src/styles/tokens.css", import.meta.url), "utf8");

function colours(selector: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const block of css.split("}")) {
    const [head = "", body = ""] = block.split("{");
    if (head.replace(/\/\*.*?\*\//gs, "").trim() !== selector) continue;
    for (const [, name, value] of body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g))
      found.set(name as string, value as string);
  }
  return found;
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const STRENGTHS = ["warning", "breach", "urgent"];
const TEXT_ON: [string, string][] = [
  ...["text", "muted", "faint", "calm", "free", "accent"].flatMap((ink): [string, string][] =>
    ["bg", "surface"].map((ground) => [ink, ground]),
  ),
  ["text", "sunken"],
  ["muted", "sunken"],
  ["action-on", "action"],
  ["action-on", "action-hover"],
  ["chosen-text", "chosen"],
  ...STRENGTHS.flatMap((name): [string, string][] => [
    [`${name}-text`, `${name}-bg`],
    [`${name}-text`, "surface"],
    [`${name}-on`, `${name}-solid`],
    ["text", `${name}-bg`],
    ["muted", `${name}-bg`],
    ["free", `${name}-bg`],
    ["accent", `${name}-bg`],
  ]),
];
// What is not text but must be seen: bars, borders of trouble, focus.
const SHAPE_ON: [string, string][] = [
  ["focus", "surface"],
  ["focus", "bg"],
  ["fill", "track"],
  ["breach-line", "track"],
];

const light = colours(":root");
const themes: [string, Map<string, string>][] = [
  ["light", light],
  ["dark", new Map([...light, ...colours(':root[data-theme="dark"]')])],
];

test.each(themes)("%s: text stands out by WCAG AA", (_name, theme) => {
  for (const [ink, ground] of TEXT_ON) {
    const ratio = contrast(theme.get(ink) as string, theme.get(ground) as string);
    expect(ratio, `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
  }
});

test.each(themes)("%s: shapes stand out", (_name, theme) => {
  for (const [shape, ground] of SHAPE_ON) {
    const ratio = contrast(theme.get(shape) as string, theme.get(ground) as string);
    expect(ratio, `${shape} on ${ground}`).toBeGreaterThanOrEqual(3);
  }
});
