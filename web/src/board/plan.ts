// The floor plan: which seat stands on which square. Pure.

export interface Square {
  /** From 0 on. */
  readonly x: number;
  readonly y: number;
}

export interface Plan {
  readonly columns: number;
  readonly rows: number;
  /** By the seat's key on the board. */
  readonly seats: ReadonlyMap<string, Square>;
}

export const LEAST: Square = { x: 8, y: 4 };
export const MOST: Square = { x: 60, y: 60 };

export const EMPTY: Plan = { columns: 12, rows: 6, seats: new Map() };

function whole(value: unknown, least: number, most: number): number | null {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
    ? value
    : null;
}

/** What was kept, or as much of it as can be read: no two seats on one square. */
export function readPlan(value: unknown): Plan {
  if (typeof value !== "object" || value === null) return EMPTY;
  const raw = value as Record<string, unknown>;
  const columns = whole(raw.columns, 1, MOST.x);
  const rows = whole(raw.rows, 1, MOST.y);
  if (columns === null || rows === null || typeof raw.seats !== "object") return EMPTY;
  const seats = new Map<string, Square>();
  const taken = new Set<string>();
  for (const [key, at] of Object.entries(raw.seats ?? {})) {
    if (!Array.isArray(at)) continue;
    const x = whole(at[0], 0, columns - 1);
    const y = whole(at[1], 0, rows - 1);
    if (x === null || y === null || taken.has(`${x} ${y}`)) continue;
    taken.add(`${x} ${y}`);
    seats.set(key, { x, y });
  }
  return { columns, rows, seats };
}

/** As it is kept. */
export function writePlan(plan: Plan): unknown {
  const seats = [...plan.seats].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    columns: plan.columns,
    rows: plan.rows,
    seats: Object.fromEntries(seats.map(([key, { x, y }]) => [key, [x, y]])),
  };
}

/** Who stands at `at`. */
export function standing(plan: Plan, at: Square): string | null {
  for (const [key, { x, y }] of plan.seats) if (x === at.x && y === at.y) return key;
  return null;
}

/**
 * `key` at `at`; whoever stands there changes places with it. The same plan where `at` is beyond
 * the walls.
 */
export function placed(plan: Plan, key: string, at: Square): Plan {
  if (at.x < 0 || at.y < 0 || at.x >= plan.columns || at.y >= plan.rows) return plan;
  const from = plan.seats.get(key);
  const other = standing(plan, at);
  const seats = new Map(plan.seats);
  if (other !== null && other !== key) {
    if (from === undefined) seats.delete(other);
    else seats.set(other, from);
  }
  seats.set(key, at);
  return { ...plan, seats };
}

/** Without `key`. */
export function taken(plan: Plan, key: string): Plan {
  const seats = new Map(plan.seats);
  seats.delete(key);
  return { ...plan, seats };
}

/** The first square, row by row, on which nobody stands; null: the room is full. */
export function freeSquare(plan: Plan): Square | null {
  const held = new Set([...plan.seats.values()].map(({ x, y }) => `${x} ${y}`));
  for (let y = 0; y < plan.rows; y += 1)
    for (let x = 0; x < plan.columns; x += 1) if (!held.has(`${x} ${y}`)) return { x, y };
  return null;
}

/** With room for `columns` x `rows`; never so small that a seat would stand outside. */
export function resized(plan: Plan, columns: number, rows: number): Plan {
  const squares = [...plan.seats.values()];
  const clamp = (value: number, least: number, most: number) =>
    Math.min(most, Math.max(least, Math.round(value)));
  return {
    ...plan,
    columns: clamp(columns, Math.max(LEAST.x, ...squares.map(({ x }) => x + 1)), MOST.x),
    rows: clamp(rows, Math.max(LEAST.y, ...squares.map(({ y }) => y + 1)), MOST.y),
  };
}

/** Seats that are in the room but not on the plan, in their order. */
export function unplaced(plan: Plan, seats: readonly string[]): readonly string[] {
  return seats.filter((key) => !plan.seats.has(key));
}
