// The words for what the board says, in the language shown.

import { lang, messages } from "../i18n";
import { siteOffset } from "../live/site";
import { store } from "../live/store";
import { timeOfDay } from "../model/format";
import type { Alert, Pbx, Seat } from "../model/types";

/** The state in a word; what the customer waits for says more than "on hold". */
export function stateWord(seat: Seat): string {
  const t = messages.value;
  const rule = seat.clock?.rule;
  if (seat.state === "holding" && (rule === "consult" || rule === "park")) return t.waitingAs[rule];
  return t.state[seat.state];
}

/** A moment of the PBX's clock as the time of day here. */
export function pbxTime(at: number, pbx: string | null, withSeconds = true): string {
  const offset = pbx === null ? 0 : (store.pbx(`pbx:${pbx}`)?.clock_offset_s ?? 0);
  return timeOfDay(at - offset, lang.value, siteOffset.value, withSeconds);
}

/** Why the link is down: our words for the code, else what agentd says. */
export function linkReason(pbx: Pbx): string | null {
  const codes: Readonly<Record<string, string>> = messages.value.linkCode;
  const known = pbx.code === null ? undefined : codes[pbx.code];
  return known ?? pbx.reason;
}

/** The seat that an alert names, as people call it. */
export function alertSeat(alert: Alert): string | null {
  const key = store.seatKeyOf(alert);
  return (key === undefined ? undefined : store.seat(key)?.label) ?? alert.seat;
}

/**
 * Seconds gone by since a moment of the PBX's clock; 0 before the first message. `exact` follows the
 * tick; otherwise it is up to a second behind.
 */
export function elapsed(pbx: string, since: number, exact: boolean): number {
  const now = (exact ? store.now(pbx) : store.second(pbx)).value;
  return now === null ? 0 : Math.max(0, now - since);
}

/** The label of a queue on the board, else its name. */
export function queueLabel(pbx: string, name: string): string {
  return store.queue(`queue:${pbx}/${name}`)?.label ?? name;
}
