// Where things stand: seats keep fixed places, trouble is sorted, and tiles are as large as fits.

import { rank } from "./rules";
import type { Alert, Queue, Seat } from "./types";

const collator = new Intl.Collator("zh-CN", { numeric: true });

function place(seat: Seat): number {
  return seat.place ?? Number.MAX_SAFE_INTEGER;
}

/** Seats in their fixed order: PBX, group, place, label. Seats without a place come last. */
export function bySeatPlace(a: Seat, b: Seat): number {
  return (
    collator.compare(a.pbx, b.pbx) ||
    collator.compare(a.group, b.group) ||
    place(a) - place(b) ||
    collator.compare(a.label, b.label) ||
    collator.compare(a.seat, b.seat)
  );
}

/** Whether a seat that changed stays where it is. */
export function samePlace(a: Seat, b: Seat): boolean {
  return (
    a.pbx === b.pbx &&
    a.group === b.group &&
    a.place === b.place &&
    a.label === b.label &&
    a.seat === b.seat
  );
}

export function byQueueName(a: Queue, b: Queue): number {
  return collator.compare(a.pbx, b.pbx) || collator.compare(a.label, b.label);
}

/** Worst first, then whoever has been in this state longest. */
export function byUrgency(a: Seat, b: Seat): number {
  return rank(b.trouble) - rank(a.trouble) || (a.since ?? 0) - (b.since ?? 0);
}

/** Newest first. */
export function byAlertTime(a: Alert, b: Alert): number {
  if (b.at !== a.at) return b.at - a.at;
  return a.id < b.id ? 1 : -1;
}

export interface Group {
  readonly id: string;
  readonly pbx: string;
  readonly name: string;
  readonly seats: readonly string[];
}

/**
 * Seats by PBX and group, each in its fixed order. The group whose first place is lowest comes
 * first, so that the site's numbering of places is the order of the whole board.
 */
export function groups(seats: readonly (readonly [key: string, seat: Seat])[]): Group[] {
  const found = new Map<string, (readonly [key: string, seat: Seat])[]>();
  for (const entry of seats) {
    const id = `${entry[1].pbx}\n${entry[1].group}`;
    const members = found.get(id);
    if (members === undefined) found.set(id, [entry]);
    else members.push(entry);
  }
  const ordered = [...found].map(([id, members]) => {
    members.sort((a, b) => bySeatPlace(a[1], b[1]));
    return { id, members, first: (members[0] as (typeof members)[number])[1] };
  });
  ordered.sort(
    (a, b) =>
      collator.compare(a.first.pbx, b.first.pbx) ||
      place(a.first) - place(b.first) ||
      collator.compare(a.first.group, b.first.group),
  );
  return ordered.map(({ id, members, first }) => ({
    id,
    pbx: first.pbx,
    name: first.group,
    seats: members.map(([key]) => key),
  }));
}

export const DENSITIES = ["roomy", "compact", "dense", "tiny"] as const;
export type Density = (typeof DENSITIES)[number];

interface Tile {
  /** Least width. */
  readonly width: number;
  readonly height: number;
  readonly gap: number;
  /** Of the group's name above its tiles. */
  readonly heading: number;
}

/** Sizes in px as in seats.css and density.css. */
export const TILES: Record<Density, Tile> = {
  roomy: { width: 156, height: 104, gap: 8, heading: 32 },
  compact: { width: 116, height: 72, gap: 8, heading: 28 },
  dense: { width: 92, height: 52, gap: 4, heading: 24 },
  tiny: { width: 90, height: 28, gap: 4, heading: 24 },
};

/** Height in px that groups of these sizes take at a density. */
export function heightNeeded(sizes: readonly number[], width: number, density: Density): number {
  const tile = TILES[density];
  const columns = Math.max(1, Math.floor((width + tile.gap) / (tile.width + tile.gap)));
  let height = 0;
  for (const size of sizes)
    height += tile.heading + Math.ceil(size / columns) * (tile.height + tile.gap);
  return height;
}

/** The largest tiles with which all seats fit into the space (px); the smallest when none do. */
export function densityFor(sizes: readonly number[], width: number, height: number): Density {
  const fits = DENSITIES.find((density) => heightNeeded(sizes, width, density) <= height);
  return fits ?? "tiny";
}

/** The largest tiles with which a room of `columns` x `rows` squares fits, at least in its width. */
export function densityOfPlan(
  columns: number,
  rows: number,
  width: number,
  height: number,
): Density {
  const wide = (tile: Tile) => columns * (tile.width + tile.gap) - tile.gap <= width;
  const high = (tile: Tile) => rows * (tile.height + tile.gap) - tile.gap <= height;
  const whole = DENSITIES.find((name) => wide(TILES[name]) && high(TILES[name]));
  return whole ?? DENSITIES.find((name) => wide(TILES[name])) ?? "tiny";
}
