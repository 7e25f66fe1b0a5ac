// The wallboard's one clock: it writes the running times into their text nodes, and only where they
// can be seen. Nothing is rendered for a second that goes by.

import { effect } from "@preact/signals";
import { store } from "./store";

/** Something that shows a running time. */
export interface Running {
  /** Whose clock it runs by; null: the server's. */
  readonly pbx: string | null;
  /** False: whole seconds will do, and all of those change together. */
  readonly exact: boolean;
  /** Write what stands at `now`, seconds of that clock; null: not known yet. */
  show(now: number | null): void;
}

/** Rooms take turns within a second, so that no frame has all of a large floor to draw. */
const PHASES = 5;
let opened = 0;

/** Where running times stand: a part of the page that is in sight, or is not. */
export class Room {
  private readonly running = new Set<Running>();
  private seen: boolean;
  private readonly phase: number;
  private second: number | null = null;

  constructor(seen = true) {
    this.seen = seen;
    this.phase = (opened % PHASES) / PHASES;
    opened += 1;
    rooms.add(this);
  }

  /** Let `running` run here; returns how to stop. */
  enter(running: Running): () => void {
    this.running.add(running);
    return () => this.running.delete(running);
  }

  /** The part of the page came into sight, or left it. */
  see(seen: boolean): void {
    if (seen === this.seen) return;
    this.seen = seen;
    if (seen) for (const running of this.running) this.show(running);
  }

  /** Show `running` as it stands now. */
  show(running: Running): void {
    running.show(this.nowFor(running));
  }

  /** `now`: server time; `all`: clocks began to stand or to run. */
  tick(now: number | null, all: boolean): void {
    if (!this.seen) return;
    const second = now === null ? null : Math.floor(now - this.phase);
    const whole = all || second !== this.second;
    this.second = second;
    for (const running of this.running) if (whole || running.exact) this.show(running);
  }

  close(): void {
    rooms.delete(this);
  }

  private nowFor({ pbx, exact }: Running): number | null {
    const now = (pbx === null ? store.serverNow : store.now(pbx)).peek();
    if (now === null || exact || (pbx !== null && store.stops(pbx))) return now;
    return Math.floor(now - this.phase) + this.phase;
  }
}

const rooms = new Set<Room>();

/** For what is always in sight. */
export const HALL = new Room();

let standing = "";

/** Keep all running times going; called once. */
export function startTicker(): void {
  effect(() => {
    const now = store.serverNow.value;
    // Where clocks stand still, or begin to run again, everything is shown anew.
    const stands = store.pbxKeys.value
      .map((key) => `${store.pbx(key)?.clock_offset_s} ${store.stoppedAt(key.slice(4))}`)
      .join();
    const all = stands !== standing;
    standing = stands;
    for (const room of rooms) room.tick(now, all);
  });
}
