// A wall runs for weeks and nobody presses a key: the screen stays on, and whatever gets stuck is
// begun anew. The page is only ever loaded again from a server that answers, or the browser's own
// error page would hang there for good.

import { store } from "../live/store";

const LOOK_MS = 10_000;
/** No word for so long, though connecting was tried all the time. */
export const MUTE_S = 180;
/** No frame was drawn for so long on a screen that is on. */
export const STUCK_S = 60;
/** However well it goes: what a browser hoards in a day is given back. */
export const FRESH_S = 24 * 3600;

/** What the watchdog knows; seconds of a clock that runs evenly. */
export interface Seen {
  readonly now: number;
  readonly started: number;
  readonly liveAt: number;
  readonly frameAt: number;
  readonly visible: boolean;
}

/** Why the page is to be loaded again; null: it is well. Pure. */
export function ailment({ now, started, liveAt, frameAt, visible }: Seen): string | null {
  if (now - liveAt > MUTE_S) return "mute";
  if (visible && now - frameAt > STUCK_S) return "stuck";
  return now - started > FRESH_S ? "old" : null;
}

/** Load the page again, if there is somebody to load it from. */
export async function reloadIfServed(): Promise<boolean> {
  try {
    const answer = await fetch(new URL("healthz", document.baseURI), { cache: "no-store" });
    // A daemon that is unwell says so by 503, and serves its pages.
    if (!answer.ok && answer.status !== 503) return false;
    await answer.json();
  } catch {
    return false;
  }
  location.reload();
  return true;
}

/** Keep watch; called once. */
export function keepWatch(): void {
  const clock = () => performance.now() / 1000;
  const started = clock();
  let liveAt = started;
  let frameAt = started;
  const frame = () => {
    frameAt = clock();
    setTimeout(() => requestAnimationFrame(frame), LOOK_MS / 2);
  };
  requestAnimationFrame(frame);
  // What was frozen with the machine (sleep, a closed lid) is not stuck.
  document.addEventListener("visibilitychange", () => {
    frameAt = clock();
  });
  let busy = false;
  setInterval(() => {
    const now = clock();
    if (store.feed.peek().is === "live") liveAt = now;
    const visible = !document.hidden;
    if (busy || ailment({ now, started, liveAt, frameAt, visible }) === null) return;
    busy = true;
    void reloadIfServed().then((reloading) => {
      busy = reloading;
    });
  }, LOOK_MS);
}

/** Keep the screen on, where the browser can; called once. */
export function stayAwake(): void {
  const ask = () => {
    if (document.hidden) return;
    // A machine short of power refuses, and asks its owner for a cable.
    void navigator.wakeLock?.request("screen").catch(() => undefined);
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}
