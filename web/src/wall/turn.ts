// The pictures of the wall, and which one is shown now.

import { computed, effect, signal } from "@preact/signals";
import { longestWait, against, rank } from "../model/rules";
import { store } from "../live/store";
import { access } from "./access";
import { DEFAULTS, type WallOptions } from "./options";
import { after, chosen, nameOf, type Slide, slidesOf } from "./rotation";

export const options = computed<WallOptions>(() =>
  access.value.is === "in" ? access.value.info.options : { ...DEFAULTS, masked: true, lang: null },
);

/** How bad it is in a queue: its surge, then who waits too long. */
function badness(key: string): number {
  const queue = store.queue(key);
  if (queue === undefined) return 0;
  const now = store.second(queue.pbx).value;
  const waits = now === null ? null : longestWait(queue, now);
  const wait = waits === null ? "calm" : against(waits, queue.wait_warn_s, queue.wait_max_s);
  return (store.surge(queue.pbx, queue.name)?.level ?? 0) * 10 + rank(wait);
}

/** Whether callers wait too long somewhere, or a surge is on: not all is well then. */
export const queuesWait = computed<boolean>(() =>
  store.queueKeys.value.some((key) => badness(key) > 0),
);

/** The queues' keys in the order in which they are shown. */
export const queueKeys = computed<readonly string[]>(() => {
  const { queues } = options.value;
  const keys = chosen(store.queueKeys.value, queues);
  if (queues.length > 0) return keys;
  // A stable sort: calm queues keep their order by name.
  return [...keys].sort((a, b) => badness(b) - badness(a));
});

export const slides = computed<readonly Slide[]>(() =>
  slidesOf(queueKeys.value, options.value.overview),
);

const shown = signal<string | null>(null);

/** The place of the picture that is shown among all; -1 where there is none. */
export const turn = computed<number>(() => {
  const names = slides.value.map(nameOf);
  const at = shown.value === null ? 0 : names.indexOf(shown.value);
  return names.length === 0 ? -1 : Math.max(0, at);
});

export const slide = computed<Slide | null>(() => slides.value[turn.value] ?? null);

/** Turn to the next picture whenever its time has come; called once. */
export function startRotation(): void {
  let at = 0;
  let turnedAt = store.localNow.peek();
  effect(() => {
    // The page's own clock: a wall whose feed has stopped goes on turning, greyed.
    const now = store.localNow.value;
    const names = slides.peek().map(nameOf);
    if (shown.peek() === null && names[0] !== undefined) {
      shown.value = names[0];
      turnedAt = now;
    }
    if (now - turnedAt < options.peek().seconds) return;
    turnedAt = now;
    at = after(names, shown.peek(), at);
    shown.value = names[at] ?? null;
  });
}
