// How well the PBXs are heard, as agentd says, and when the line to agentd or a PBX was down, as far
// as this page saw it.

import { effect, signal } from "@preact/signals";
import { api } from "../api/client";
import { store } from "../live/store";
import type { FeedHealth } from "./types";

const ASK_EVERY_MS = 10_000;

/** By PBX; empty while agentd does not say. */
export const health = signal<ReadonlyMap<string, FeedHealth>>(new Map());

/** Ask agentd every few seconds, while somebody looks; until it says that it does not know. */
export async function followHealth(): Promise<void> {
  for (;;) {
    if (!document.hidden) {
      const answer = await api<{ items: readonly FeedHealth[] }>("health/feed");
      if (answer.ok) health.value = new Map(answer.value.items.map((item) => [item.pbx, item]));
      else if (answer.problem.status === 404) return;
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

export interface Gap {
  /** Null: the line between this page and agentd. */
  readonly pbx: string | null;
  /** Server time, seconds. */
  readonly from: number;
  /** Null: it lasts. */
  readonly to: number | null;
}

const KEPT = 20;

/** As this page saw them, the newest first. */
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

/**
 * What is known of gaps: agentd's word on its PBXs goes before what this page saw of them. `offset`
 * is a PBX's clock less the server's. Pure.
 */
export function told(
  seen: readonly Gap[],
  items: ReadonlyMap<string, FeedHealth>,
  offset: (pbx: string) => number,
): readonly Gap[] {
  const said = [...items.values()].flatMap(({ pbx, gaps }) =>
    gaps.map((gap) => ({
      pbx,
      from: gap.from_at - offset(pbx),
      to: gap.to_at === null ? null : gap.to_at - offset(pbx),
    })),
  );
  const own = seen.filter((gap) => gap.pbx === null || !items.has(gap.pbx) || gap.to === null);
  // A gap that lasts is seen here before agentd is asked again.
  const fresh = own.filter(
    (gap) => gap.to !== null || !said.some((other) => other.pbx === gap.pbx && other.to === null),
  );
  return [...fresh, ...said].sort((a, b) => b.from - a.from);
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
