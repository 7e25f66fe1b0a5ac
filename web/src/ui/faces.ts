// What the ticker writes to: text nodes, and bars drawn as backgrounds.

import type { Bar } from "../model/rules";

/** The text inside `element`: changing it is the least that a browser can be asked to do. */
export function textOf(element: HTMLElement | null): Text | null {
  return element?.appendChild(document.createTextNode("")) ?? null;
}

/**
 * Draw a bar as backgrounds of `box` (see base.css): that moves nothing, so nothing is laid
 * out anew. `before` is what was drawn last, `""` for nothing; returns what is drawn now.
 */
export function drawBar(box: HTMLElement | null, value: Bar | null, before: string): string {
  if (box === null) return "";
  // Steps of 1 %: finer ones cannot be seen.
  const bar =
    value === null
      ? "none"
      : `${Math.round(value.fill * 100)} ${Math.round((value.mark ?? 0) * 100)} ${value.strength}`;
  if (bar === before) return bar;
  const [fill, mark, strength] = bar.split(" ");
  box.dataset.bar = strength ?? "none";
  box.style.backgroundSize =
    mark === undefined ? "" : `${mark}% var(--bar), ${fill}% var(--bar), 100% var(--bar)`;
  return bar;
}
