// Small things that the parts of the shift leader's desk share.

import { signal } from "@preact/signals";
import { say } from "../desk/state";
import type { FormStep } from "./steps";
import type { Duty, Fault } from "../api/types";
import type { Problem } from "../api/client";

export type ShiftDialog =
  | { readonly is: "help" | "sound" | "import" | "window" }
  | { readonly is: "step"; readonly step: FormStep; readonly order: string }
  | { readonly is: "decide"; readonly grant: boolean; readonly ids: readonly string[] }
  | { readonly is: "duty"; readonly duty: Duty | null; readonly team: string; readonly day: number }
  | { readonly is: "fault"; readonly fault: Fault };

export const dialog = signal<ShiftDialog | null>(null);

export function closeShiftDialog(): void {
  dialog.value = null;
}

/** Why the last thing done from a list was refused. */
export const refusal = signal<Problem | null>(null);

/** Say that it was done, or why not. */
export function tellOutcome(problem: Problem | null, done: string): void {
  refusal.value = problem;
  if (problem === null) say(done);
}

/** Whether the whole form of the order that is open is shown, to be changed. */
export const editing = signal(false);
