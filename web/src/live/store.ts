// The board as signals: one per object, so that a delta touches only what it changed.

import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { offerLang } from "../i18n";
import { Board, type Change } from "../model/board";
import { ServerClock, SILENT_AFTER_S, stoppedAt } from "../model/clock";
import { readMessage } from "../model/decode";
import { byAlertTime } from "../model/layout";
import type {
  Alert,
  BoardObject,
  Delta,
  Figures,
  Hello,
  Pbx,
  Queue,
  Seat,
  Snapshot,
  Surge,
} from "../model/types";
import { Floor } from "./floor";
import { goToLogin, loadMe, stillLoggedIn } from "./session";

const PROTOCOL = 1;
const TICK_MS = 200;
/** Bursts are shown at most this often; what is urgent, at once. */
const FLUSH_S = 0.09;

/** An alert is shown at once, but not each of many: an agent has few, a floor of a thousand has some every second. */
const HURRY_EVERY_S = 0.5;
const RESYNC_EVERY_S = 5;
const RENEW_AFTER_S = 10;
const LOOK_AHEAD_S = 3600;

/** How the page's own connection stands. */
export type FeedState =
  | { readonly is: "connecting" }
  | { readonly is: "live" }
  | { readonly is: "protocol" }
  /** `at`: server time of the last word; `lostAt`: the page's monotonic clock, seconds. */
  | {
      readonly is: "stale";
      readonly why: "closed" | "silent";
      readonly at: number;
      readonly lostAt: number;
    };

interface Say {
  send(message: { type: string; seq?: number }): void;
  healthy(): void;
  renew(): void;
}

function monotonic(): number {
  return performance.now() / 1000;
}

export class Store {
  readonly feed = signal<FeedState>({ is: "connecting" });
  /** Whether a board has been shown since the page was opened. */
  readonly loaded = signal(false);
  readonly floor = new Floor();
  readonly pbxKeys = this.floor.pbxKeys;
  readonly queueKeys = this.floor.queueKeys;
  readonly seatGroups = this.floor.seatGroups;
  readonly troubleKeys = this.floor.troubleKeys;
  readonly alertKeys = this.floor.alertKeys;
  readonly activeAlerts = this.floor.activeAlerts;
  /** Alerts that came while the page was watching, for screen readers. */
  readonly arrived = signal<readonly Alert[]>([]);
  /** Server time in seconds; null before the first message. The page's only tick. */
  readonly serverNow = signal<number | null>(null);
  /** The page's own monotonic clock in whole seconds, for the length of an outage. */
  readonly localNow = signal(0);

  readonly #news = new Set<(topics: readonly string[] | null) => void>();
  readonly #board = new Board();
  readonly #clock = new ServerClock();
  readonly #signals = new Map<string, Signal<BoardObject | undefined>>();
  readonly #stops = new Map<string, Signal<number | null>>();
  readonly #nows = new Map<string, ReadonlySignal<number | null>>();
  readonly #seconds = new Map<string, ReadonlySignal<number | null>>();
  #say: Say | null = null;
  #version: string | null = null;
  /** When this connection said hello; null while there is none. */
  #helloAt: number | null = null;
  #lastResync = -RESYNC_EVERY_S;
  readonly #pendingSet = new Set<string>();
  readonly #pendingDel = new Set<string>();
  #alertPending = false;
  #hurriedAt = -HURRY_EVERY_S;
  #lookTimer: ReturnType<typeof setTimeout> | undefined;
  #flushedAt = 0;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #toAck: number | null = null;
  #ackFrame = 0;

  /** The object under `key`, as a signal; undefined while there is none. */
  #signal(key: string): Signal<BoardObject | undefined> {
    let found = this.#signals.get(key);
    if (found === undefined) {
      found = signal<BoardObject | undefined>(undefined);
      this.#signals.set(key, found);
    }
    return found;
  }

  pbx(key: string): Pbx | undefined {
    const object = this.#signal(key).value;
    return object?.kind === "pbx" ? object : undefined;
  }

  /** How much longer than the quickest the last message took to this page, seconds. */
  lag(): number | null {
    return this.#clock.lag();
  }

  queue(key: string): Queue | undefined {
    const object = this.#signal(key).value;
    return object?.kind === "queue" ? object : undefined;
  }

  seat(key: string): Seat | undefined {
    const object = this.#signal(key).value;
    return object?.kind === "seat" ? object : undefined;
  }

  /** Of a scope such as `queue/main/hotline`. */
  figures(scope: string): Figures | undefined {
    const object = this.#signal(`figures:${scope}`).value;
    return object?.kind === "figures" ? object : undefined;
  }

  /** Of a queue; undefined where it has had none. */
  surge(pbx: string, queue: string): Surge | undefined {
    const object = this.#signal(`surge:${pbx}/${queue}`).value;
    return object?.kind === "surge" ? object : undefined;
  }

  alert(key: string): Alert | undefined {
    const object = this.#signal(key).value;
    return object?.kind === "alert" ? object : undefined;
  }

  /** The seat that an alert names, if it is on the board. */
  seatKeyOf(alert: Alert): string | undefined {
    const { seat } = alert;
    if (seat === null) return undefined;
    const pbxs =
      alert.pbx === null ? this.pbxKeys.value.map((key) => this.pbx(key)?.id ?? "") : [alert.pbx];
    const keys = [`seat:${seat}`, ...pbxs.map((id) => `seat:${id}/${seat}`)];
    return keys.find((key) => this.seat(key) !== undefined);
  }

  #stop(pbx: string): Signal<number | null> {
    let found = this.#stops.get(pbx);
    if (found === undefined) {
      found = signal(null);
      this.#stops.set(pbx, found);
    }
    return found;
  }

  /** The PBX's now, seconds; stands still while its link is down. */
  now(pbx: string): ReadonlySignal<number | null> {
    let found = this.#nows.get(pbx);
    if (found === undefined) {
      found = computed(() => {
        const stopped = this.#stop(pbx).value;
        if (stopped !== null) return stopped;
        const server = this.serverNow.value;
        return server === null ? null : server + (this.pbx(`pbx:${pbx}`)?.clock_offset_s ?? 0);
      });
      this.#nows.set(pbx, found);
    }
    return found;
  }

  /**
   * As now, in whole seconds: for times that nothing hangs on. They tick together, which is calmer
   * to look at and lets the browser draw hundreds of them at once.
   */
  second(pbx: string): ReadonlySignal<number | null> {
    let found = this.#seconds.get(pbx);
    if (found === undefined) {
      const now = this.now(pbx);
      found = computed(() => {
        // Where it stands still, it stands at the exact moment.
        if (now.value === null || this.#stop(pbx).value !== null) return now.value;
        return Math.floor(now.value);
      });
      this.#seconds.set(pbx, found);
    }
    return found;
  }

  /** Where this PBX's clocks stand still (its own time), or null while they run. */
  stoppedAt(pbx: string): number | null {
    return this.#stop(pbx).value;
  }

  /** As stoppedAt, without following it. */
  stops(pbx: string): boolean {
    return this.#stop(pbx).peek() !== null;
  }

  /** Whether what is shown of this PBX is no longer live. */
  isStopped(pbx: string): boolean {
    return this.feed.value.is !== "live" || this.#stop(pbx).value !== null;
  }

  /**
   * Call `hear` with the topics of which something changed, or with null when anything may have (a
   * fresh snapshot); returns how to stop.
   */
  onNews(hear: (topics: readonly string[] | null) => void): () => void {
    this.#news.add(hear);
    return () => this.#news.delete(hear);
  }

  #tell(topics: readonly string[] | null): void {
    for (const hear of this.#news) hear(topics);
  }

  // --- what the stream says ---------------------------------------------------------------------

  connect(say: Say): void {
    this.#say = say;
    const frame = () => {
      this.#tick();
      setTimeout(() => requestAnimationFrame(frame), TICK_MS);
    };
    requestAnimationFrame(frame);
    document.addEventListener("visibilitychange", () => this.#sendAck());
  }

  onText(data: unknown): void {
    const message = readMessage(data);
    if (message === null) {
      this.#resync();
      return;
    }
    if (message.type === "other") return;
    if (message.type === "hello") {
      this.#hello(message);
      return;
    }
    if (this.feed.peek().is === "protocol") return;
    if (message.type === "hint") {
      this.#tell(message.topics);
      return;
    }
    switch (message.type) {
      case "snapshot":
        this.#snapshot(message);
        break;
      case "delta":
        this.#delta(message);
        break;
      case "beat":
        if (!this.#board.agrees(message)) this.#resync();
    }
    // Messages that cannot be used prove nothing: the board then counts as silent.
    if (this.#board.seq === null) return;
    this.#clock.sample(message.server_time, monotonic());
    const at = monotonic();
    const atOnce = this.#alertPending && at - this.#hurriedAt > HURRY_EVERY_S;
    if (atOnce) this.#hurriedAt = at;
    const wait = atOnce ? 0 : FLUSH_S - (at - this.#flushedAt);
    if (wait <= 0) this.#flush();
    else this.#flushTimer ??= setTimeout(() => this.#flush(), wait * 1000);
  }

  #snapshot(message: Snapshot): void {
    const change = this.#board.snapshot(message);
    this.#pendingSet.clear();
    this.#pendingDel.clear();
    batch(() => {
      this.#apply(change, false);
      this.loaded.value = true;
    });
    this.#say?.healthy();
    this.#tell(null);
  }

  #delta(message: Delta): void {
    const change = this.#board.delta(message);
    if (change === null) {
      this.#resync();
      return;
    }
    for (const key of change.set) {
      this.#pendingDel.delete(key);
      this.#pendingSet.add(key);
      if (this.#board.objects.get(key)?.kind === "alert") this.#alertPending = true;
    }
    for (const key of change.del) {
      this.#pendingSet.delete(key);
      this.#pendingDel.add(key);
    }
  }

  /** Show what came. The first of a burst is shown at once, the rest of it together. */
  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    this.#flushedAt = monotonic();
    const set = [...this.#pendingSet];
    const del = [...this.#pendingDel];
    this.#pendingSet.clear();
    this.#pendingDel.clear();
    this.#alertPending = false;
    batch(() => {
      if (set.length > 0 || del.length > 0) this.#apply({ set, del }, true);
      this.#showTime();
      if (this.#board.seq === null) return;
      if (this.feed.peek().is !== "live") this.feed.value = { is: "live" };
      this.#ackSoon(this.#board.seq);
    });
  }

  onLost(expected: boolean): void {
    const at = monotonic();
    this.#helloAt = null;
    this.#board.expectSnapshot();
    this.#flush();
    this.#toAck = null;
    this.#lastResync = -RESYNC_EVERY_S;
    // Should the next connection fail after all, the silence says so.
    if (!expected) this.#goStale("closed", at);
  }

  onRefused(): void {
    // Leads to the login page when nobody is logged in any more.
    void loadMe();
  }

  async onLoggedOut(): Promise<boolean> {
    // A new password ends this session and begins another at once.
    const still = await stillLoggedIn();
    if (!still) goToLogin();
    return still;
  }

  #hello(hello: Hello): void {
    if (this.#version !== null && hello.version !== this.#version) {
      // agentd was upgraded: its pages changed with it.
      location.reload();
      return;
    }
    this.#version = hello.version;
    this.#helloAt = monotonic();
    offerLang(hello.lang);
    if (hello.protocol !== PROTOCOL) this.feed.value = { is: "protocol" };
    else if (this.feed.peek().is === "protocol") this.feed.value = { is: "connecting" };
  }

  #goStale(why: "closed" | "silent", lostAt: number): void {
    const feed = this.feed.peek();
    if (feed.is !== "live") return;
    this.#clock.freeze(lostAt);
    const at = this.#clock.now(lostAt);
    batch(() => {
      this.#showTime();
      this.feed.value = at === null ? { is: "connecting" } : { is: "stale", why, at, lostAt };
    });
  }

  #resync(): void {
    this.#board.expectSnapshot();
    const at = monotonic();
    if (at - this.#lastResync < RESYNC_EVERY_S) return;
    this.#lastResync = at;
    this.#say?.send({ type: "resync" });
  }

  /** Acknowledge once the browser has drawn it; at once when nobody is looking. */
  #ackSoon(seq: number): void {
    this.#toAck = seq;
    if (document.hidden) {
      this.#sendAck();
    } else if (this.#ackFrame === 0) {
      this.#ackFrame = requestAnimationFrame(() => {
        this.#ackFrame = 0;
        this.#sendAck();
      });
    }
  }

  #sendAck(): void {
    if (this.#toAck === null) return;
    this.#say?.send({ type: "ack", seq: this.#toAck });
    this.#toAck = null;
  }

  #tick(): void {
    const at = monotonic();
    const silence = this.#clock.silence(at);
    const feed = this.feed.peek();
    batch(() => {
      this.localNow.value = Math.floor(at);
      this.floor.settle(at);
      if (feed.is === "live" && silence !== null && silence > SILENT_AFTER_S)
        this.#goStale("silent", at - silence);
      // What was just flushed has shown it: a frame more would show nothing new.
      if (at - this.#flushedAt > TICK_MS / 2000) this.#showTime();
    });
    const usable = feed.is === "live" || feed.is === "protocol";
    if (usable || this.#helloAt === null) return;
    // A line that is open and says nothing of use is given up for another, once per line.
    const useless = Math.min(at - this.#helloAt, silence ?? Number.POSITIVE_INFINITY);
    if (useless > RENEW_AFTER_S) this.#say?.renew();
  }

  #showTime(): void {
    const now = this.#clock.now(monotonic());
    if (now !== null) this.serverNow.value = now;
  }

  /**
   * Have the page look at its clock just when this PBX's time is `at`, not only with the next tick;
   * null: no more. There is one such moment at a time.
   */
  lookAt(pbx: string, at: number | null): void {
    clearTimeout(this.#lookTimer);
    const now = this.now(pbx).peek();
    const left_s = at === null || now === null ? -1 : at - now;
    if (at === null || left_s < 0 || left_s > LOOK_AHEAD_S) return;
    this.#lookTimer = setTimeout(
      () => {
        this.#tick();
        // A timer may be a little early, and the estimate of the server's time a little better by now.
        if ((this.now(pbx).peek() ?? at) < at) this.lookAt(pbx, at);
      },
      Math.ceil(left_s * 1000),
    );
  }

  // --- from objects to signals ------------------------------------------------------------------

  #apply(change: Change, live: boolean): void {
    const arrived: Alert[] = [];
    for (const key of change.set) {
      const object = this.#board.objects.get(key);
      if (object === undefined) continue;
      const before = this.#signals.get(key)?.peek();
      if (object.kind === "pbx") {
        const stop = this.#stop(object.id);
        stop.value = stoppedAt(stop.peek(), object);
      }
      if (live && object.kind === "alert" && object.cleared_at === null) {
        const known = before?.kind === "alert" && before.level === object.level;
        if (!known) arrived.push(object);
      }
      this.floor.take(key, before, object);
      this.#signal(key).value = object;
    }
    for (const key of change.del) {
      const gone = this.#signals.get(key);
      const before = gone?.peek();
      if (before?.kind === "pbx") this.#stop(before.id).value = null;
      this.floor.take(key, before, undefined);
      if (gone !== undefined) gone.value = undefined;
      this.#signals.delete(key);
    }
    this.floor.settle(monotonic());
    if (arrived.length > 0) this.arrived.value = arrived.sort(byAlertTime);
  }
}

export const store = new Store();
