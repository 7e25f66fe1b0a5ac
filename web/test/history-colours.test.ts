import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8");
const css = read("../src/styles/tokens.css") + read("../src/history/marks.css");

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

const light = colours(":root");
const THEMES: [string, Map<string, string>][] = [
  ["light", light],
  ["dark", new Map([...light, ...colours(':root[data-theme="dark"]')])],
];

test.each(THEMES)("%s: words on the drawings stand out by WCAG AA", (_name, theme) => {
  const kinds = [
    "wait",
    "ring",
    "talk",
    "hold",
    "consult",
    "park",
    "away",
    "wrap",
    "free",
    "sound",
  ];
  for (const kind of kinds) {
    const ratio = contrast(theme.get(`hx-${kind}`) as string, theme.get(`hx-${kind}-on`) as string);
    expect(ratio, kind).toBeGreaterThanOrEqual(4.5);
  }
});

test.each(THEMES)("%s: shapes stand out from the ground", (_name, theme) => {
  const shapes = [
    ...["wait", "ring", "talk", "away", "wrap", "free", "sound", "gap"],
    ...["hold-line", "consult-line", "park-line", "offered", "answered", "lost", "level"],
  ];
  for (const shape of shapes) {
    const ratio = contrast(theme.get(`hx-${shape}`) as string, theme.get("surface") as string);
    expect(ratio, shape).toBeGreaterThanOrEqual(3);
  }
});
