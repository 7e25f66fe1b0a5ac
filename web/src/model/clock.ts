import type { Pbx } from "./types";

/** Beats come every second; this long without any message the shown time stops. */
export const HOLD_AFTER_S = 2;
/** This long without any message the feed counts as lost. */
export const SILENT_AFTER_S = 3.5;

const WINDOW_S = 30;
const STEP_BACK_S = 1;
const STEP_BACK_SAMPLES = 5;

interface Sample {
  readonly at: number;
  readonly offset: number;
}

/**
 * The server's time, from what its messages say and a local clock that only has to run evenly.
 *
 * A message tells `server_time - local` less its latency, so the largest of the last half minute is
 * the best; the local clock's own setting plays no part. Past the last message time goes on for
 * HOLD_AFTER_S and then stands still. All arguments are seconds of a monotonic local clock.
 */
export class ServerClock {
  #samples: Sample[] = [];
  #lastAt: number | null = null;
  #frozen: number | null = null;
  #shown: number | null = null;

  /** A message stamped `serverTime` arrived at `at`. Time runs (again) from here. */
  sample(serverTime: number, at: number): void {
    const offset = serverTime - at;
    this.#lastAt = at;
    this.#frozen = null;
    const best = this.#offset();
    this.#samples.push({ at, offset });
    const recent = this.#samples.slice(-STEP_BACK_SAMPLES);
    const steppedBack =
      best !== null &&
      recent.length === STEP_BACK_SAMPLES &&
      recent.every((sample) => sample.offset < best - STEP_BACK_S);
    const oldest = at - WINDOW_S;
    this.#samples = steppedBack ? recent : this.#samples.filter((sample) => sample.at >= oldest);
  }

  /** The server's time at `at`; null before the first message. */
  now(at: number): number | null {
    if (this.#frozen !== null) return this.#frozen;
    const offset = this.#offset();
    if (offset === null || this.#lastAt === null) return null;
    const now = Math.min(at, this.#lastAt + HOLD_AFTER_S) + offset;
    const before = this.#shown;
    // A better estimate may be a little earlier: time then waits instead of running backwards.
    this.#shown = before !== null && now < before && before - now < STEP_BACK_S ? before : now;
    return this.#shown;
  }

  /** The connection is lost: time stands still until the next message. */
  freeze(at: number): void {
    if (this.#frozen === null) this.#frozen = this.now(at);
    // What the offset was before an outage says nothing about after it.
    this.#samples = [];
  }

  /** How much longer than the quickest of late the last message took; null before the first. */
  lag(): number | null {
    const best = this.#offset();
    const last = this.#samples[this.#samples.length - 1];
    return best === null || last === undefined ? null : best - last.offset;
  }

  /** Seconds since the last message; null before the first. */
  silence(at: number): number | null {
    return this.#lastAt === null ? null : at - this.#lastAt;
  }

  #offset(): number | null {
    let best: number | null = null;
    for (const { offset } of this.#samples) if (best === null || offset > best) best = offset;
    return best;
  }
}

/**
 * Where the clocks of a PBX stand still (PBX time), or null while they run.
 *
 * They stop when its link goes down and run again only when the link is up: while it synchronises,
 * what the board shows is still of before.
 */
export function stoppedAt(before: number | null, pbx: Pbx): number | null {
  if (pbx.link === "up") return null;
  return before ?? pbx.since ?? pbx.last_event_at;
}
