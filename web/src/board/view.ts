// How the seats are arranged on this screen.

import { signal } from "@preact/signals";
import { remember, remembered } from "../live/remember";

export const VIEWS = ["teams", "plan"] as const;
export type View = (typeof VIEWS)[number];

const KEY = "agentd.board.view";

export const view = signal<View>(VIEWS.find((name) => name === remembered(KEY)) ?? "teams");
/** The floor plan is being arranged. */
export const arranging = signal(false);

export function choose(next: View): void {
  view.value = next;
  remember(KEY, next);
}
