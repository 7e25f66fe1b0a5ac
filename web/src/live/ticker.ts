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

/** Where running times stand: a part of the page that is in sight, or is not. */
export class Room {
  readonly #running = new Set<Running>();
  #seen: boolean;

  constructor(seen = true) {
    this.#seen = seen;
    rooms.add(this);
  }

  /** Let `running` run here; returns how to stop. */
  enter(running: Running): () => void {
    this.#running.add(running);
    return () => this.#running.delete(running);
  }

  /** The part of the page came into sight, or left it. */
  see(seen: boolean): void {
    if (seen === this.#seen) return;
    this.#seen = seen;
    if (seen) this.tick(true);
  }

  tick(whole: boolean): void {
    if (!this.#seen) return;
    for (const running of this.#running) if (whole || running.exact) running.show(nowFor(running));
  }

  close(): void {
    rooms.delete(this);
  }
}

const rooms = new Set<Room>();

/** For what is always in sight. */
export const HALL = new Room();

/** The time that `running` shows now, without following it. */
export function nowFor(running: Running): number | null {
  const { pbx } = running;
  if (pbx === null) return store.serverNow.peek();
  return (running.exact ? store.now(pbx) : store.second(pbx)).peek();
}

let second: number | null = null;
let standing = "";

/** Keep all running times going; called once. */
export function startTicker(): void {
  effect(() => {
    const now = store.serverNow.value;
    // Where clocks stand still, or begin to run again, everything is shown anew.
    const stands = store.pbxKeys.value
      .map((key) => `${store.pbx(key)?.clock_offset_s} ${store.stoppedAt(key.slice(4))}`)
      .join();
    const whole = now === null ? null : Math.floor(now);
    const all = whole !== second || stands !== standing;
    second = whole;
    standing = stands;
    for (const room of rooms) room.tick(all);
  });
}
