// Queues with a surge (话务预警), and the small alarms that are shown as one with it.

import { computed } from "@preact/signals";
import { store } from "../live/store";
import { isFolded } from "../model/rules";
import type { Alert, Surge } from "../model/types";

/** The surge of a queue's key (`queue:main/hotline`); undefined where it has none now. */
export function surgeOf(key: string): Surge | undefined {
  const [, pbx = "", name = ""] = /^queue:([^/]*)\/(.*)$/.exec(key) ?? [];
  const surge = store.surge(pbx, name);
  return surge !== undefined && surge.level > 0 ? surge : undefined;
}

// As one text: what has not changed wakes nobody.
const listed = computed(() =>
  store.queueKeys.value
    .flatMap((key) => {
      const surge = surgeOf(key);
      return surge === undefined ? [] : [{ key, level: surge.level, since: surge.since ?? 0 }];
    })
    .sort((a, b) => b.level - a.level || a.since - b.since)
    .map(({ key }) => key)
    .join("\n"),
);

/** Keys of the queues with a surge, the worst first. */
export const surging = computed<readonly string[]>(() =>
  listed.value === "" ? [] : listed.value.split("\n"),
);

/** The queue whose surge stands for this seat's warning; null: it is shown for itself. */
export function seatFoldedInto(key: string): string | null {
  const seat = store.seat(key);
  if (seat === undefined || seat.queue === null) return null;
  const own = isFolded(seat.trouble, store.surge(seat.pbx, seat.queue));
  return own ? `queue:${seat.pbx}/${seat.queue}` : null;
}

/** The same of an alert, from the surge's beginning on. */
export function alertFoldedInto(alert: Alert): string | null {
  if (alert.pbx === null || alert.queue === null) return null;
  const surge = store.surge(alert.pbx, alert.queue);
  if (!isFolded(alert.level, surge)) return null;
  const lasts = alert.cleared_at === null || alert.at >= (surge?.since ?? 0);
  return lasts ? `queue:${alert.pbx}/${alert.queue}` : null;
}
