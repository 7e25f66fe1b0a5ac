// When the line to agentd or to a PBX was down, as far as this page saw it.

import { effect, signal } from "@preact/signals";
import { store } from "../live/store";

export interface Gap {
  /** Null: the line between this page and agentd. */
  readonly pbx: string | null;
  /** Server time, seconds. */
  readonly from: number;
  /** Null: it lasts. */
  readonly to: number | null;
}

const KEPT = 20;

/** The newest first. */
export const gaps = signal<readonly Gap[]>([]);

/** `found` with the line `pbx` down or up at `at`. Pure. */
export function noted(
  found: readonly Gap[],
  pbx: string | null,
  down: boolean,
  at: number,
): readonly Gap[] {
  const lasting = found.find((gap) => gap.pbx === pbx && gap.to === null);
  if (down === (lasting !== undefined)) return found;
  if (lasting === undefined) return [{ pbx, from: at, to: null }, ...found].slice(0, KEPT);
  return found.map((gap) => (gap === lasting ? { ...gap, to: Math.max(at, gap.from) } : gap));
}

/** Keep `gaps` up to date; called once. */
export function followGaps(): void {
  effect(() => {
    const feed = store.feed.value;
    const now = store.serverNow.peek();
    let found = gaps.peek();
    if (now !== null && (feed.is === "live" || feed.is === "stale")) {
      const at = feed.is === "stale" ? feed.at : now;
      found = noted(found, null, feed.is === "stale", at);
    }
    for (const key of store.pbxKeys.value) {
      const pbx = store.pbx(key);
      if (pbx === undefined || now === null) continue;
      const stopped = store.stoppedAt(pbx.id);
      const at = stopped === null ? now : stopped - pbx.clock_offset_s;
      found = noted(found, pbx.id, stopped !== null, at);
    }
    gaps.value = found;
  });
}
