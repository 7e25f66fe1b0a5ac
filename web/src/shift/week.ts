// The roster as a week: which duty stands in which cell, and hours as people write them. Pure; local
// time is that of the working calendar (`offset_s`: local minus UTC), not the browser's.

import type { Duty } from "../api/types";
import { clockText, DAY_S, dayStart } from "../model/dates";

const MONDAY_S = 4 * DAY_S;

/** Local midnight of the Monday of the week that `at` is in. */
export function weekStart(at: number, offset_s: number): number {
  const local = at + offset_s - MONDAY_S;
  return Math.floor(local / (7 * DAY_S)) * 7 * DAY_S + MONDAY_S - offset_s;
}

/** A spell of a day in seconds after its midnight; beyond 86 400 it goes on after midnight. */
export type Spell = readonly [from_s: number, to_s: number];

/** `08:00-12:00 14:00-18:00` as spells, over midnight too; null when the text says no hours. */
export function spellsOf(text: string): readonly Spell[] | null {
  const plain = text.replaceAll("：", ":");
  const pattern = /(\d{1,2}):(\d{2})\s*[-–—~至到]+\s*(\d{1,2}):(\d{2})/g;
  const spells: Spell[] = [];
  for (const [, a, b, c, d] of plain.matchAll(pattern)) {
    const [fromH, fromM, toH, toM] = [Number(a), Number(b), Number(c), Number(d)];
    if (fromH > 23 || toH > 24 || fromM > 59 || toM > 59 || (toH === 24 && toM > 0)) return null;
    const from = fromH * 3600 + fromM * 60;
    const to = toH * 3600 + toM * 60;
    spells.push([from, to > from ? to : to + DAY_S]);
  }
  const left = plain.replace(pattern, "").replace(/[\s,，、;；+]+/g, "");
  return spells.length === 0 || left !== "" ? null : spells;
}

/** `08:00-12:00`; an end on a later day is the reader's to see by the `+1`. */
export function hoursText(duty: Duty, offset_s: number): string {
  return `${clockText(duty.from_at, offset_s)}–${clockText(duty.to_at, offset_s)}`;
}

/** How many midnights lie within the duty: 0 for one that ends on the day it begins. */
export function midnights(duty: Duty, offset_s: number): number {
  return Math.round(
    (dayStart(duty.to_at - 1, offset_s) - dayStart(duty.from_at, offset_s)) / DAY_S,
  );
}

export interface Shown {
  readonly duty: Duty;
  /** It began on an earlier day. */
  readonly goesOn: boolean;
}

/** What stands in the cell of `team` and the day that begins at `day`: leaders first, then by time. */
export function cell(duties: readonly Duty[], team: string, day: number): readonly Shown[] {
  return duties
    .filter((duty) => duty.team === team && duty.from_at < day + DAY_S && duty.to_at > day)
    .map((duty) => ({ duty, goesOn: duty.from_at < day }))
    .sort(
      (a, b) =>
        Number(b.goesOn) - Number(a.goesOn) ||
        (a.duty.role === b.duty.role ? 0 : a.duty.role === "leader" ? -1 : 1) ||
        a.duty.from_at - b.duty.from_at ||
        (a.duty.login < b.duty.login ? -1 : 1),
    );
}

/** The rows of the week: every team first, then the configured ones, then others that have duties. */
export function teamsOf(known: readonly string[], duties: readonly Duty[]): readonly string[] {
  return [...new Set(["", ...known, ...duties.map(({ team }) => team)])];
}

/** A CSV file's text: UTF-8, else what Chinese spreadsheets write; null when it is neither. */
export function decodeCsv(bytes: ArrayBuffer): string | null {
  for (const encoding of ["utf-8", "gb18030"]) {
    try {
      return new TextDecoder(encoding, { fatal: true }).decode(bytes);
    } catch {
      continue;
    }
  }
  return null;
}

/** `line.3` → 3: the line that a refusal of an import is about. */
export function lineOf(field: string): number | null {
  const found = /^line\.(\d+)$/.exec(field);
  return found === null ? null : Number(found[1]);
}
