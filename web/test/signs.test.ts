// The tiles' signs are pictures; their shapes and colours are those of the other icons.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { shapeOf } from "../src/ui/icons";

const STYLES = `${import.meta.dirname}/../src/styles`;
const SIGNS = readdirSync(`${STYLES}/signs`);
const COLORS: Readonly<Record<string, string>> = {
  available: "free",
  offered: "accent",
  ringing: "accent",
  talking: "text",
  holding: "text",
  wrap_up: "muted",
  paused: "muted",
  unreachable: "faint",
  logged_out: "faint",
  outbound: "accent",
  warning: "warning-text",
  breach: "breach-text",
  urgent: "urgent-text",
};

function token(theme: string, name: string): string | undefined {
  const [light = "", dark = ""] = readFileSync(`${STYLES}/tokens.css`, "utf8").split(
    ':root[data-theme="dark"]',
  );
  return new RegExp(`--${name}: (#[0-9a-f]{6});`).exec(theme === "dark" ? dark : light)?.[1];
}

test("every sign has a picture for both themes, and no other", () => {
  const wanted = Object.keys(COLORS).flatMap((name) => [`${name}-dark.svg`, `${name}-light.svg`]);
  expect([...SIGNS].sort()).toEqual(wanted.sort());
});

test.each(SIGNS)("%s has its icon's shape and its token's colour", (file) => {
  const [name = "", theme = ""] = file.replace(".svg", "").split("-");
  const text = readFileSync(`${STYLES}/signs/${file}`, "utf8");
  expect(/ d="([^"]+)"/.exec(text)?.[1]).toBe(shapeOf(name as Parameters<typeof shapeOf>[0]));
  expect(text).toContain(`"${token(theme, COLORS[name] ?? "")}"`);
});
