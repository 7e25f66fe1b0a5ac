// The charts of the queues that are shown, asked for again every minute.

import { type Signal, signal } from "@preact/signals";
import { api } from "../api/client";
import type { ChartRow } from "../charts/rows";

interface Shift {
  readonly step_s: number;
  readonly as_of_at: number;
  readonly rows: readonly ChartRow[];
}

const EVERY_S = 60;
const found = new Map<string, { readonly said: Signal<Shift | null>; askedAt: number }>();

/** The shift of a queue (`pbx/name`); null before it has come. */
export function shiftOf(name: string): Shift | null {
  let entry = found.get(name);
  if (entry === undefined) {
    entry = { said: signal(null), askedAt: Number.NEGATIVE_INFINITY };
    found.set(name, entry);
  }
  return entry.said.value;
}

/** Ask for the shift of a queue, unless it was asked for within the minute. */
export async function askShift(name: string): Promise<void> {
  shiftOf(name);
  const entry = found.get(name);
  const now = performance.now() / 1000;
  if (entry === undefined || now - entry.askedAt < EVERY_S) return;
  entry.askedAt = now;
  const answer = await api<Shift>("wall/intervals", { query: { queue: name }, stay: true });
  if (answer.ok) entry.said.value = answer.value;
}
