// One floating note for the whole page: whatever is pointed at or focused explains itself there.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface Floating {
  readonly anchor: Element;
  readonly content: () => ComponentChildren;
}

const EDGE_PX = 8;
const REST_MS = 250;
const floating = signal<Floating | null>(null);
let pending: ReturnType<typeof setTimeout> | undefined;

/** As floatAt, once the pointer rests: a hand that only passes over the board sees no notes. */
export function floatSoon(anchor: Element, content: () => ComponentChildren): void {
  clearTimeout(pending);
  pending = setTimeout(() => floatAt(anchor, content), REST_MS);
}

/** Show `content` beside `anchor` until floatAway is called for the same anchor. */
export function floatAt(anchor: Element, content: () => ComponentChildren): void {
  clearTimeout(pending);
  floating.value = { anchor, content };
}

export function floatAway(anchor: Element): void {
  clearTimeout(pending);
  if (floating.peek()?.anchor === anchor) floating.value = null;
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") floating.value = null;
});
addEventListener(
  "scroll",
  () => {
    floating.value = null;
  },
  true,
);

export function FloatingNote() {
  const shown = floating.value;
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (shown === null || box.current === null) return;
    const around = shown.anchor.getBoundingClientRect();
    const own = box.current.getBoundingClientRect();
    const below = around.bottom + EDGE_PX;
    const fitsBelow = below + own.height + EDGE_PX <= innerHeight;
    const top = fitsBelow ? below : Math.max(EDGE_PX, around.top - EDGE_PX - own.height);
    const left = Math.min(around.left, innerWidth - own.width - EDGE_PX);
    box.current.style.top = `${top}px`;
    box.current.style.left = `${Math.max(EDGE_PX, left)}px`;
  }, [shown]);
  if (shown === null) return null;
  return (
    <div class="floating" ref={box} aria-hidden="true">
      {shown.content()}
    </div>
  );
}
