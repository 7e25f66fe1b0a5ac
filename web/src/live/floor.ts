// What the wallboard derives from the objects: who stands where, who is in trouble, which alerts
// last. Kept step by step, so that a change costs what it changed and not what the room holds.

import { type Signal, signal } from "@preact/signals";
import {
  byAlertTime,
  byQueueName,
  bySeatPlace,
  byUrgency,
  type Group,
  groups,
  samePlace,
} from "../model/layout";
import { rank } from "../model/rules";
import {
  type Alert,
  type BoardObject,
  type Pbx,
  type Queue,
  SEAT_STATES,
  type Seat,
  type SeatState,
} from "../model/types";

/** In a storm of alerts the list is drawn this often; seats and lane never wait for it. */
const ALERTS_EVERY_S = 0.5;

function put(target: Signal<readonly string[]>, keys: readonly string[]): void {
  const before = target.peek();
  const same = before.length === keys.length && keys.every((key, i) => key === before[i]);
  if (!same) target.value = keys;
}

export class Floor {
  readonly pbxKeys = signal<readonly string[]>([]);
  readonly queueKeys = signal<readonly string[]>([]);
  readonly seatGroups = signal<readonly Group[]>([]);
  /** Seats in trouble, the most urgent first. */
  readonly troubleKeys = signal<readonly string[]>([]);
  /** Newest first. */
  readonly alertKeys = signal<readonly string[]>([]);
  /** Alerts that last. */
  readonly activeAlerts = signal<readonly Alert[]>([]);
  /** How many seats are in each state. */
  readonly counts: Readonly<Record<SeatState, Signal<number>>>;

  readonly #pbxs = new Map<string, Pbx>();
  readonly #queues = new Map<string, Queue>();
  readonly #seats = new Map<string, Seat>();
  readonly #alerts = new Map<string, Alert>();
  readonly #troubled = new Map<string, Seat>();
  /** Where a seat stands among all: comparing names is dear, and places hardly ever change. */
  #places = new Map<string, number>();
  readonly #tally: Record<SeatState, number>;
  #touched = { pbx: false, queue: false, place: false, trouble: false, alert: false };
  #alertsDue = false;
  #alertsAt = Number.NEGATIVE_INFINITY;

  constructor() {
    const none = SEAT_STATES.map((state) => [state, 0]);
    this.#tally = Object.fromEntries(none) as Record<SeatState, number>;
    const signals = SEAT_STATES.map((state) => [state, signal(0)]);
    this.counts = Object.fromEntries(signals) as Record<SeatState, Signal<number>>;
  }

  /** The object under `key` is now `after`; undefined: it is gone. */
  take(key: string, before: BoardObject | undefined, after: BoardObject | undefined): void {
    if (before !== undefined && before.kind !== after?.kind) this.#drop(key, before);
    if (after === undefined) return;
    switch (after.kind) {
      case "pbx":
        this.#pbxs.set(key, after);
        this.#touched.pbx ||= before?.kind !== "pbx";
        break;
      case "queue":
        this.#queues.set(key, after);
        this.#touched.queue ||= before?.kind !== "queue" || before.label !== after.label;
        break;
      case "seat":
        this.#takeSeat(key, before?.kind === "seat" ? before : undefined, after);
        break;
      case "alert":
        this.#alerts.set(key, after);
        this.#touched.alert = true;
        break;
    }
  }

  #takeSeat(key: string, before: Seat | undefined, after: Seat): void {
    this.#seats.set(key, after);
    if (before !== undefined) this.#tally[before.state] -= 1;
    this.#tally[after.state] += 1;
    this.#touched.place ||= before === undefined || !samePlace(before, after);
    const troubled = rank(after.trouble) > 0;
    if (troubled) this.#troubled.set(key, after);
    else if (!this.#troubled.delete(key)) return;
    this.#touched.trouble = true;
  }

  #drop(key: string, before: BoardObject): void {
    switch (before.kind) {
      case "pbx":
        this.#touched.pbx = this.#pbxs.delete(key) || this.#touched.pbx;
        break;
      case "queue":
        this.#touched.queue = this.#queues.delete(key) || this.#touched.queue;
        break;
      case "seat":
        this.#seats.delete(key);
        this.#tally[before.state] -= 1;
        this.#touched.place = true;
        this.#touched.trouble = this.#troubled.delete(key) || this.#touched.trouble;
        break;
      case "alert":
        this.#touched.alert = this.#alerts.delete(key) || this.#touched.alert;
        break;
    }
  }

  /** Show what was taken; `at`: seconds of a clock that only has to run evenly. */
  settle(at: number): void {
    const touched = this.#touched;
    this.#touched = { pbx: false, queue: false, place: false, trouble: false, alert: false };
    if (touched.pbx) put(this.pbxKeys, [...this.#pbxs.keys()].sort());
    if (touched.queue) put(this.queueKeys, sorted(this.#queues, byQueueName));
    if (touched.place) {
      const entries = [...this.#seats].sort((a, b) => bySeatPlace(a[1], b[1]));
      this.#places = new Map(entries.map(([key], place) => [key, place]));
      this.seatGroups.value = groups(entries);
    }
    if (touched.trouble || touched.place) put(this.troubleKeys, this.#byUrgency());
    for (const state of SEAT_STATES) this.counts[state].value = this.#tally[state];
    if (touched.alert) {
      this.activeAlerts.value = [...this.#alerts.values()].filter(
        (alert) => alert.cleared_at === null,
      );
      this.#alertsDue = true;
    }
    if (this.#alertsDue && at >= this.#alertsAt + ALERTS_EVERY_S) {
      this.#alertsDue = false;
      this.#alertsAt = at;
      put(this.alertKeys, sorted(this.#alerts, byAlertTime));
    }
  }

  #byUrgency(): string[] {
    const place = (key: string) => this.#places.get(key) ?? Number.MAX_SAFE_INTEGER;
    return [...this.#troubled]
      .sort(([a, seatA], [b, seatB]) => byUrgency(seatA, seatB) || place(a) - place(b))
      .map(([key]) => key);
  }
}

function sorted<T>(objects: ReadonlyMap<string, T>, order: (a: T, b: T) => number): string[] {
  return [...objects].sort((a, b) => order(a[1], b[1])).map(([key]) => key);
}
