// The clock of the call in hand: at the page's time, and at what agentd has judged already.

import { computed } from "@preact/signals";
import { store } from "../live/store";
import { concerns } from "../model/rules";
import { type Countdown, countdown, pushed, strengthened } from "./countdown";
import { liveSeat } from "./state";

/** What agentd pushed about the seat's running clock. */
const told = computed(() => {
  const seat = liveSeat.value;
  if (seat === null) return "calm";
  return pushed(
    seat.clock,
    store.activeAlerts.value.filter((alert) => concerns(alert, seat)),
  );
});

/** The running clock of the own seat; null while there is none. */
export const currentCount = computed<Countdown | null>(() => {
  const seat = liveSeat.value;
  if (seat === null) return null;
  return strengthened(countdown(seat.clock, store.now(seat.pbx).value), told.value);
});

export const currentStrength = computed(() => currentCount.value?.strength ?? "calm");

/** The next limit of the running clock that has not passed (PBX time). */
export const nextLimit = computed<number | null>(() => {
  const clock = liveSeat.value?.clock ?? null;
  if (clock === null || clock.stopped) return null;
  const strength = currentStrength.value;
  if (strength === "breach") return null;
  return strength === "warning" ? clock.breach_at : (clock.warn_at ?? clock.breach_at);
});
