// From what arrived to what the page may rely on. One object that cannot be read is left out and
// counted; the others are kept, so that a newer agentd never blanks an older page.

import {
  type Alert,
  type Beat,
  type BoardObject,
  type ClockStep,
  type Delta,
  DIRECTIONS,
  type Figure,
  type Figures,
  type Hello,
  LEVELS,
  LINKS,
  MEASURES,
  type Message,
  type Owed,
  type Pbx,
  type Queue,
  type QueuePatch,
  RULES,
  SEAT_STATES,
  type Seat,
  type SeatClock,
  type Snapshot,
  STRENGTHS,
  type Surge,
  type Waiting,
  type Warning,
} from "./types";

type Raw = Record<string, unknown>;

const CLOCK_RULES = ["ring", "hold", "consult", "park"] as const;

function isRaw(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[]): T | null {
  return allowed.find((candidate) => candidate === value) ?? null;
}

function list<T>(value: unknown, read: (item: unknown) => T | null): T[] {
  if (!Array.isArray(value)) return [];
  const items: T[] = [];
  for (const item of value) {
    const good = read(item);
    if (good !== null) items.push(good);
  }
  return items;
}

function readWarning(value: unknown): Warning | null {
  if (!isRaw(value)) return null;
  const code = text(value.code) ?? "";
  return { code, text: text(value.text) ?? code };
}

function readClockStep(value: unknown): ClockStep | null {
  if (!isRaw(value)) return null;
  const [at, seconds] = [number(value.at), number(value.seconds)];
  return at === null || seconds === null ? null : { at, seconds };
}

function readPbx(raw: Raw): Pbx | null {
  const id = text(raw.id);
  const link = oneOf(raw.link, LINKS);
  if (id === null || link === null) return null;
  return {
    kind: "pbx",
    id,
    link,
    since: number(raw.since),
    reason: text(raw.reason),
    code: text(raw.code),
    last_event_at: number(raw.last_event_at),
    clock_offset_s: number(raw.clock_offset_s) ?? 0,
    clock_step: readClockStep(raw.clock_step),
    version: text(raw.version),
    warnings: list(raw.warnings, readWarning),
  };
}

function readWaiting(value: unknown): Waiting | null {
  if (!isRaw(value)) return null;
  const joined_at = number(value.joined_at);
  if (joined_at === null) return null;
  return { call: text(value.call) ?? "", caller: text(value.caller), joined_at };
}

function readQueue(raw: Raw): Queue | null {
  const name = text(raw.name);
  if (name === null) return null;
  return {
    kind: "queue",
    pbx: text(raw.pbx) ?? "",
    name,
    label: text(raw.label) ?? name,
    waiting: list(raw.waiting, readWaiting),
    offered: number(raw.offered) ?? 0,
    answered: number(raw.answered) ?? 0,
    abandoned: number(raw.abandoned) ?? 0,
    short_abandons: number(raw.short_abandons) ?? 0,
    let_go: number(raw.let_go) ?? 0,
    service_level: number(raw.service_level),
    service_level_name: text(raw.service_level_name) ?? "SL",
    service_level_s: number(raw.service_level_s),
    wait_warn_s: number(raw.wait_warn_s),
    wait_max_s: number(raw.wait_max_s),
    counted_since: number(raw.counted_since),
    gap: raw.gap === true,
  };
}

function readPatches(value: unknown): ReadonlyMap<string, QueuePatch> {
  const found = new Map<string, QueuePatch>();
  if (!isRaw(value)) return found;
  for (const [key, raw] of Object.entries(value)) {
    const queue = isRaw(raw) && isRaw(raw.set) ? readQueue(raw.set) : null;
    if (!isRaw(raw) || queue === null) continue;
    found.set(key, { queue, gone: list(raw.gone, text), came: list(raw.came, readWaiting) });
  }
  return found;
}

function readClock(value: unknown): SeatClock | null {
  if (!isRaw(value)) return null;
  const rule = oneOf(value.rule, CLOCK_RULES);
  const from = number(value.from);
  if (rule === null || from === null) return null;
  const cycle = number(value.ring_cycle_s);
  return {
    rule,
    from,
    warn_at: number(value.warn_at),
    breach_at: number(value.breach_at),
    ring_cycle_s: cycle !== null && cycle > 0 ? cycle : null,
    stopped: value.stopped === true,
  };
}

function readOwed(value: unknown): Owed | null {
  if (!isRaw(value)) return null;
  const id = text(value.id);
  return id === null ? null : { id, due_at: number(value.due_at) };
}

function readSeat(raw: Raw): Seat | null {
  const seat = text(raw.seat);
  const state = oneOf(raw.state, SEAT_STATES);
  if (seat === null || state === null) return null;
  return {
    kind: "seat",
    pbx: text(raw.pbx) ?? "",
    seat,
    label: text(raw.label) ?? seat,
    group: text(raw.group) ?? "",
    place: number(raw.place),
    agent: text(raw.agent),
    person: text(raw.person),
    state,
    since: number(raw.since),
    queues: list(raw.queues, text),
    pause_reason: text(raw.pause_reason),
    call: text(raw.call),
    caller: text(raw.caller),
    queue: text(raw.queue),
    direction: oneOf(raw.direction, DIRECTIONS),
    clock: readClock(raw.clock),
    owed: list(raw.owed, readOwed),
    trouble: oneOf(raw.trouble, STRENGTHS) ?? "calm",
    gap: raw.gap === true,
  };
}

function readAlert(raw: Raw, key: string): Alert | null {
  const at = number(raw.at);
  const level = oneOf(raw.level, LEVELS);
  const rule = oneOf(raw.rule, RULES);
  if (at === null || level === null || rule === null) return null;
  return {
    kind: "alert",
    id: text(raw.id) ?? key,
    pbx: text(raw.pbx),
    at,
    level,
    rule,
    seat: text(raw.seat),
    agent: text(raw.agent),
    person: text(raw.person),
    call: text(raw.call),
    queue: text(raw.queue),
    to: list(raw.to, text),
    value: number(raw.value),
    limit: number(raw.limit),
    cleared_at: number(raw.cleared_at),
  };
}

function readFigure(value: unknown): Figure | null {
  if (!isRaw(value)) return null;
  return {
    value: number(value.value),
    num: number(value.num),
    den: number(value.den),
    gap: value.gap === true,
    estimated: number(value.estimated) ?? 0,
  };
}

function readFigures(raw: Raw): Figures | null {
  if (!isRaw(raw.figures)) return null;
  const windows = new Map<string, ReadonlyMap<string, Figure>>();
  for (const [window, metrics] of Object.entries(raw.figures)) {
    if (!isRaw(metrics)) continue;
    const found = new Map<string, Figure>();
    for (const [key, value] of Object.entries(metrics)) {
      const figure = readFigure(value);
      if (figure !== null) found.set(key, figure);
    }
    windows.set(window, found);
  }
  return { kind: "figures", windows };
}

function readSurge(raw: Raw): Surge | null {
  const name = text(raw.name);
  if (name === null) return null;
  return {
    kind: "surge",
    pbx: text(raw.pbx) ?? "",
    name,
    level: Math.min(3, Math.max(0, Math.round(number(raw.level) ?? 0))),
    since: number(raw.since),
    reached: list(raw.reached, (value) => oneOf(value, MEASURES)),
    folds: raw.folds === true,
  };
}

/** One board object, or null when it is of no kind that this page knows or lacks what it needs. */
export function readObject(key: string, value: unknown): BoardObject | null {
  if (!isRaw(value)) return null;
  switch (value.kind) {
    case "pbx":
      return readPbx(value);
    case "queue":
      return readQueue(value);
    case "seat":
      return readSeat(value);
    case "alert":
      return readAlert(value, key);
    case "figures":
      return readFigures(value);
    case "surge":
      return readSurge(value);
    default:
      return null;
  }
}

function readObjects(value: Raw): { objects: Map<string, BoardObject>; unread: number } {
  const objects = new Map<string, BoardObject>();
  let unread = 0;
  for (const [key, raw] of Object.entries(value)) {
    const object = readObject(key, raw);
    if (object === null) unread += 1;
    else objects.set(key, object);
  }
  return { objects, unread };
}

/** One message of the stream, or null when it is not one: the caller asks for a snapshot then. */
export function readMessage(data: unknown): Message | null {
  if (typeof data !== "string") return null;
  let raw: unknown;
  try {
    raw = JSON.parse(data);
  } catch {
    return null;
  }
  if (!isRaw(raw)) return null;
  if (raw.type === "hello") {
    const hello: Hello = {
      type: "hello",
      protocol: number(raw.protocol) ?? 0,
      version: text(raw.version) ?? "",
      lang: text(raw.lang) ?? "",
    };
    return hello;
  }
  if (raw.type === "hint") return { type: "hint", topics: list(raw.topics, text) };
  const known = raw.type === "snapshot" || raw.type === "delta" || raw.type === "beat";
  if (!known && text(raw.type) !== null) return { type: "other" };
  const seq = number(raw.seq);
  const server_time = number(raw.server_time);
  if (seq === null || server_time === null) return null;
  if (raw.type === "snapshot" && isRaw(raw.board)) {
    const { objects, unread } = readObjects(raw.board);
    const snapshot: Snapshot = { type: "snapshot", seq, server_time, board: objects, unread };
    return snapshot;
  }
  if (raw.type === "delta") {
    const { objects, unread } = readObjects(isRaw(raw.set) ? raw.set : {});
    const delta: Delta = {
      type: "delta",
      seq,
      server_time,
      set: objects,
      patch: readPatches(raw.patch),
      del: list(raw.del, text),
      unread,
    };
    return delta;
  }
  if (raw.type === "beat") {
    const beat: Beat = { type: "beat", seq, server_time };
    return beat;
  }
  return null;
}
