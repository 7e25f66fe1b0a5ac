// What a supervisor may do from the board, and doing it. What is not permitted is known, with its
// reason, before the click.

import { signal } from "@preact/signals";
import { type Answer, api, type Problem } from "../api/client";
import { problemText } from "../live/problem";
import { store } from "../live/store";
import type { Queue, Seat } from "../model/types";
import type { Act, Control, OwnPhone, Place } from "./types";
import { board } from "./words";

/** What the menu stands at. */
export type Target =
  | { readonly kind: "seat"; readonly key: string }
  | { readonly kind: "caller"; readonly queue: string; readonly call: string };

/** Per PBX, as agentd said last; a problem when it did not. */
export const known = signal<ReadonlyMap<string, Control | Problem>>(new Map());

export function isProblem(found: Control | Problem): found is Problem {
  return "status" in found;
}

/** Ask what may be done on `pbx`; with `seat`, also of its queues. */
export async function askControl(pbx: string, seat: string | null = null): Promise<Control | null> {
  const answer = await api<Control>("control", { query: { pbx, seat } });
  known.value = new Map(known.value).set(pbx, answer.ok ? answer.value : answer.problem);
  return answer.ok ? answer.value : null;
}

export const ofSeat: readonly Act[] = [
  "listen",
  "whisper",
  "barge",
  "message",
  "pause",
  "unpause",
  "logout",
  "redirect",
  "hangup",
];
export const ofCaller: readonly Act[] = ["move_up", "redirect", "hangup"];

/** Why `act` cannot be done to this seat as it stands; null: it can, as far as the board knows. */
export function seatForbids(act: Act, seat: Seat): string | null {
  const t = board.value.whyNot;
  switch (act) {
    case "listen":
    case "whisper":
    case "barge":
    case "redirect":
    case "hangup":
      return seat.call === null || seat.state === "wrap_up" ? t.noCall : null;
    case "pause":
      if (seat.queues.length === 0) return t.noQueues;
      return seat.state === "paused" ? t.paused : null;
    case "unpause":
      return seat.state === "paused" ? null : t.notPaused;
    case "logout":
      return seat.queues.length === 0 ? t.noQueues : null;
    case "message":
      return seat.person === null ? t.nobody : null;
    case "move_up":
      return t.unknown;
  }
}

/** The same of a waiting caller. */
export function callerForbids(act: Act, queue: Queue, call: string): string | null {
  return act === "move_up" && queue.waiting[0]?.call === call ? board.value.whyNot.first : null;
}

/** Why `act` cannot be done now, in words; null: it can. Undefined: not known yet. */
export function whyNot(act: Act, pbx: string, local: string | null): string | null | undefined {
  const t = board.value.whyNot;
  if (store.isStopped(pbx)) return t.stopped;
  const found = known.value.get(pbx);
  if (found === undefined) return undefined;
  if (isProblem(found)) return found.status === 404 ? t.unknown : problemText(found);
  const allowed = found.actions[act];
  if (allowed === undefined) return t.unknown;
  if (!allowed.may) return allowed.why_not === null ? t.unknown : labelOf(allowed.why_not);
  return local;
}

function labelOf(label: { readonly zh: string; readonly en: string }): string {
  return problemText({ text_zh: label.zh, text_en: label.en } as Problem);
}

interface Acted {
  readonly phone?: string;
  readonly places?: readonly Place[];
  readonly position?: number;
  readonly queue?: string;
}

/** Do it. */
export function act(name: Act, body: Readonly<Record<string, unknown>>): Promise<Answer<Acted>> {
  return api<Acted>(`control/${name.replace("_", "-")}`, { method: "POST", body });
}

export function choosePhone(pbx: string, device: string | null): Promise<Answer<OwnPhone | null>> {
  return api<OwnPhone | null>("control/phone", { method: "PUT", body: { pbx, device } });
}

/** What has just been done, or why not, for a few seconds. */
export const said = signal<{ readonly text: string; readonly good: boolean } | null>(null);
let forgetting: ReturnType<typeof setTimeout> | undefined;
const SAID_MS = 6000;

export function say(text: string, good = true): void {
  clearTimeout(forgetting);
  said.value = { text, good };
  forgetting = setTimeout(() => {
    said.value = null;
  }, SAID_MS);
}
