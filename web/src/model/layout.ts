// Where things stand: seats keep fixed places, trouble is sorted, and tiles are as large as fits.

import { rank } from "./rules";
import type { Alert, Queue, Seat } from "./types";

const collator = new Intl.Collator("zh-CN", { numeric: true });

/** Seats in their fixed order: PBX, group, place, label. Seats without a place come last. */
export function bySeatPlace(a: Seat, b: Seat): number {
  return (
    collator.compare(a.pbx, b.pbx) ||
    collator.compare(a.group, b.group) ||
    (a.place ?? Number.MAX_SAFE_INTEGER) - (b.place ?? Number.MAX_SAFE_INTEGER) ||
    collator.compare(a.label, b.label) ||
    collator.compare(a.seat, b.seat)
  );
}

export function byQueueName(a: Queue, b: Queue): number {
  return collator.compare(a.pbx, b.pbx) || collator.compare(a.label, b.label);
}

/** Worst first, then whoever has been in this state longest, then by place. */
export function byTrouble(a: Seat, b: Seat): number {
  return (
    rank(b.trouble) - rank(a.trouble) || (a.since ?? 0) - (b.since ?? 0) || bySeatPlace(a, b)
  );
}

/** Newest first. */
export function byAlertTime(a: Alert, b: Alert): number {
  return b.at - a.at || collator.compare(b.id, a.id);
}

export interface Group {
  readonly id: string;
  readonly pbx: string;
  readonly name: string;
  readonly seats: readonly string[];
}

/** Consecutive seats of one PBX and group, in the order given. */
export function groups(seats: readonly (readonly [key: string, seat: Seat])[]): Group[] {
  const found: { id: string; pbx: string; name: string; seats: string[] }[] = [];
  for (const [key, seat] of seats) {
    const id = `${seat.pbx}\n${seat.group}`;
    const last = found[found.length - 1];
    if (last !== undefined && last.id === id) last.seats.push(key);
    else found.push({ id, pbx: seat.pbx, name: seat.group, seats: [key] });
  }
  return found;
}

export const DENSITIES = ["roomy", "compact", "dense"] as const;
export type Density = (typeof DENSITIES)[number];

/** Sizes in px as in seats.css: least tile width, tile height, gap between tiles. */
export const TILES: Record<Density, { width: number; height: number; gap: number }> = {
  roomy: { width: 164, height: 108, gap: 8 },
  compact: { width: 132, height: 72, gap: 8 },
  dense: { width: 96, height: 52, gap: 4 },
};
const HEADING_PX = 32;

/** Height in px that groups of these sizes take at a density. */
export function heightNeeded(sizes: readonly number[], width: number, density: Density): number {
  const tile = TILES[density];
  const columns = Math.max(1, Math.floor((width + tile.gap) / (tile.width + tile.gap)));
  let height = 0;
  for (const size of sizes)
    height += HEADING_PX + Math.ceil(size / columns) * (tile.height + tile.gap);
  return height;
}

/** The largest tiles with which all seats fit into the space (px); dense when none do. */
export function densityFor(sizes: readonly number[], width: number, height: number): Density {
  const fits = DENSITIES.find((density) => heightNeeded(sizes, width, density) <= height);
  return fits ?? "dense";
}
