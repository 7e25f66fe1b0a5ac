// How many alerts each seat had: GET /api/alerts/load, a line per seat. Pure.

/** One line of GET /api/alerts/load. */
export interface LoadLine {
  readonly pbx: string;
  readonly seat: string | null;
  readonly queue: string | null;
  readonly level: string;
  readonly rule: string;
  readonly count: number;
}

export interface SeatLoad {
  readonly pbx: string;
  readonly seat: string | null;
  readonly warning: number;
  readonly breach: number;
  readonly escalation: number;
  readonly total: number;
  readonly perHour: number;
}

/** What one person can see to (EEMUA 191: one in ten minutes). */
export const TOO_MANY_PER_HOUR = 6;
/** A shift that has just begun says nothing about an hour. */
const LEAST_S = 1800;

/** The seats with the most alerts first. `lasted_s`: how long the time was. */
export function loadOf(lines: readonly LoadLine[], lasted_s: number): SeatLoad[] {
  const hours = Math.max(lasted_s, LEAST_S) / 3600;
  const found = new Map<string, { -readonly [K in keyof SeatLoad]: SeatLoad[K] }>();
  for (const { pbx, seat, level, count } of lines) {
    const key = `${pbx}/${seat ?? ""}`;
    let load = found.get(key);
    if (load === undefined) {
      load = { pbx, seat, warning: 0, breach: 0, escalation: 0, total: 0, perHour: 0 };
      found.set(key, load);
    }
    if (level !== "warning" && level !== "breach" && level !== "escalation") continue;
    load[level] += count;
    load.total += count;
    load.perHour = load.total / hours;
  }
  return [...found.values()]
    .filter(({ total }) => total > 0)
    .sort((a, b) => b.total - a.total || (a.seat ?? "").localeCompare(b.seat ?? ""));
}

/** A time in which a PBX was not heard; `to_at` null: it lasts. */
export interface Gap {
  readonly from_at: number;
  readonly to_at: number | null;
}

/** For how long of a time alerts could come at all: what was heard of the PBX heard best. */
export function heardFor(from: number, to: number, pbxs: readonly (readonly Gap[])[]): number {
  const unheard = pbxs.map((gaps) =>
    gaps.reduce((sum, { from_at, to_at }) => {
      const overlap = Math.min(to_at ?? to, to) - Math.max(from_at, from);
      return sum + Math.max(0, overlap);
    }, 0),
  );
  return Math.max(0, to - from - (unheard.length === 0 ? 0 : Math.min(...unheard)));
}
