import type { Beat, BoardObject, Delta, Snapshot } from "./types";

/** Keys whose object is new or replaced, and keys that went away. */
export interface Change {
  readonly set: readonly string[];
  readonly del: readonly string[];
}

/** The client's copy of the board: whole snapshots, then deltas without a missing number. */
export class Board {
  readonly objects = new Map<string, BoardObject>();
  #seq: number | null = null;

  /** The number of the last message applied; null before the first snapshot. */
  get seq(): number | null {
    return this.#seq;
  }

  /** Replace everything. */
  snapshot(message: Snapshot): Change {
    const del = [...this.objects.keys()].filter((key) => !message.board.has(key));
    this.objects.clear();
    for (const [key, object] of message.board) this.objects.set(key, object);
    this.#seq = message.seq;
    return { set: [...message.board.keys()], del };
  }

  /**
   * Apply one delta; null (and nothing changed) when it does not follow the last message, or changes
   * what is not there.
   */
  delta(message: Delta): Change | null {
    if (this.#seq === null || message.seq !== this.#seq + 1) return null;
    const patched = new Map<string, BoardObject>();
    for (const [key, { queue, gone, came }] of message.patch) {
      const known = this.objects.get(key);
      if (known?.kind !== "queue") return null;
      const left = new Set(gone);
      const stay = known.waiting.filter(({ call }) => !left.has(call));
      patched.set(key, { ...queue, waiting: [...stay, ...came] });
    }
    for (const [key, object] of patched) this.objects.set(key, object);
    for (const [key, object] of message.set) this.objects.set(key, object);
    const del = message.del.filter((key) => this.objects.delete(key));
    this.#seq = message.seq;
    return { set: [...message.set.keys(), ...patched.keys()], del };
  }

  /** Whether the beat says what we believe: that nothing was missed. */
  agrees(message: Beat): boolean {
    return this.#seq === message.seq;
  }

  /** Forget the numbering: only a snapshot counts from here. */
  expectSnapshot(): void {
    this.#seq = null;
  }
}
