// How large the tiles are: one size for the whole page.

import { signal } from "@preact/signals";
import type { Density } from "../model/layout";

export const density = signal<Density>("roomy");

/** Sizes at which a tile holds nothing but the seat, its state and the time in it. */
export const LEAN: ReadonlySet<Density> = new Set<Density>(["dense", "tiny"]);
