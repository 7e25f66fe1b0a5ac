// Which key does what at the shift leader's desk.

import type { Pressed } from "../desk/hotkeys";

export const KEYS = {
  next: "j",
  previous: "k",
  acknowledge: "a",
  complete: "f",
  dispatch: "d",
  urge: "u",
  answer: "w",
  tell: "t",
  return: "r",
  close: "c",
  revisit: "v",
  assign: "g",
  promise: "p",
  note: "n",
  merge: "m",
  call: "l",
  edit: "e",
  select: "x",
  search: "/",
  help: "?",
} as const;
export type ShiftAction =
  | keyof typeof KEYS
  | "leave"
  | "open"
  | "grant"
  | "refuse"
  | "send"
  | "tab_1"
  | "tab_2"
  | "tab_3"
  | "tab_4"
  | "tab_5";

const BY_KEY = new Map<string, ShiftAction>([
  ...(Object.entries(KEYS) as [ShiftAction, string][]).map(([what, key]): [string, ShiftAction] => [
    key,
    what,
  ]),
  ["arrowdown", "next"],
  ["arrowup", "previous"],
  ["enter", "open"],
  ["escape", "leave"],
  ["shift+a", "grant"],
  ["shift+r", "refuse"],
  ["1", "tab_1"],
  ["2", "tab_2"],
  ["3", "tab_3"],
  ["4", "tab_4"],
  ["5", "tab_5"],
]);

/**
 * What a key press asks for; null for nothing. Letters are text while somebody types, and keys with
 * Ctrl, Alt or of an input method are the browser's.
 */
export function actionOf(pressed: Pressed, inText: boolean): ShiftAction | null {
  if (pressed.isComposing || pressed.key === "Process") return null;
  if ((pressed.ctrlKey || pressed.metaKey) && pressed.key === "Enter") return "send";
  if (pressed.ctrlKey || pressed.metaKey || pressed.altKey) return null;
  if (pressed.key === "Escape") return "leave";
  if (inText) return null;
  if (pressed.key === "?") return "help";
  if (pressed.key === "/") return "search";
  const plain = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(pressed.code)?.[1];
  const name = (plain ?? pressed.key).toLowerCase();
  const found = BY_KEY.get(pressed.shiftKey ? `shift+${name}` : name) ?? null;
  // Only moving through a list makes sense while a key is held.
  if (pressed.repeat && found !== "next" && found !== "previous") return null;
  return found;
}

/** A key as people read it. */
export function keyName(what: keyof typeof KEYS): string {
  return KEYS[what].toUpperCase();
}
