// Which key does what. Category keys come from the configuration and go first; a key of the desk
// that a category has taken moves to its Shift form.

import type { CategorySpec } from "../api/types";

export const KEYS = {
  open_current: "o",
  consent: "y",
  urgent: "u",
  silent_call: "s",
  bad_line: "b",
  wrong_number: "w",
  harassment: "x",
  dial: "d",
  promise: "p",
  note: "n",
  merge: "m",
  next: "j",
  previous: "k",
  ready: "r",
  pause: "z",
  mine: "g",
  phrases: "f",
} as const;
export type DeskAction = keyof typeof KEYS;

export type Action =
  | { readonly is: "desk"; readonly what: DeskAction | "complete" | "save" | "help" }
  | { readonly is: "category"; readonly key: string };

/** From a key such as `y`, `shift+y` or `1` to what it does. */
export type Keymap = ReadonlyMap<string, Action>;

export function keymap(categories: readonly CategorySpec[]): Keymap {
  const map = new Map<string, Action>();
  for (const { key, hotkey } of categories) {
    const name = hotkey.toLowerCase();
    if (name.length === 1 && name !== "?" && !map.has(name)) map.set(name, { is: "category", key });
  }
  for (const [what, key] of Object.entries(KEYS) as [DeskAction, string][]) {
    const name = map.has(key) ? `shift+${key}` : key;
    map.set(name, { is: "desk", what });
  }
  return map;
}

/** The key of an action as people read it: `Y`, `Shift+Y`; "" when it has none. */
export function keyOf(map: Keymap, what: DeskAction | { readonly category: string }): string {
  for (const [name, action] of map) {
    const found =
      typeof what === "string"
        ? action.is === "desk" && action.what === what
        : action.is === "category" && action.key === what.category;
    if (found)
      return name.startsWith("shift+")
        ? `Shift+${name.slice(6).toUpperCase()}`
        : name.toUpperCase();
  }
  return "";
}

export interface Pressed {
  readonly key: string;
  readonly code: string;
  readonly altKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly isComposing: boolean;
  readonly repeat: boolean;
}

/** The key without what Alt or Shift make of it on this keyboard. */
function bare(pressed: Pressed): string {
  const plain = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(pressed.code)?.[1];
  return (plain ?? pressed.key).toLowerCase();
}

/**
 * What a key press asks for; null for nothing. While a text field has the focus, letters are text:
 * there keys count only with Alt (and with Ctrl where they say so). An input method's keys never.
 */
export function actionOf(pressed: Pressed, inText: boolean, map: Keymap): Action | null {
  if (pressed.isComposing || pressed.key === "Process" || pressed.repeat) return null;
  if (pressed.ctrlKey || pressed.metaKey) {
    if (pressed.altKey || pressed.shiftKey) return null;
    if (pressed.key === "Enter") return { is: "desk", what: "complete" };
    if (bare(pressed) === "s") return { is: "desk", what: "save" };
    return null;
  }
  if (inText && !pressed.altKey) return null;
  if (pressed.key === "?" || (pressed.altKey && pressed.code === "Slash"))
    return { is: "desk", what: "help" };
  const name = bare(pressed);
  return map.get(pressed.shiftKey ? `shift+${name}` : name) ?? null;
}
