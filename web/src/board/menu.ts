// One menu for the whole page: what stands where, and which dialog it leads to.

import { signal } from "@preact/signals";
import type { Target } from "./control";
import type { Act } from "./types";

export interface Opened {
  readonly target: Target;
  /** Where it stands. */
  readonly anchor: HTMLElement;
}

export const opened = signal<Opened | null>(null);

/** The dialog that asks for what an act still needs. */
export const asking = signal<{ readonly act: Act | "phone"; readonly target: Target } | null>(null);

export function openMenu(target: Target, anchor: HTMLElement): void {
  opened.value = { target, anchor };
}

export function closeMenu(): void {
  opened.value = null;
}
