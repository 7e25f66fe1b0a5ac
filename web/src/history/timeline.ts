// A call as lanes on one axis of time: who waited where, which phone rang, talked, held. Pure.

import type { AlertNote, Gap, Story, StoryAlert, StoryLeg, StoryRecording, Visit } from "./types";

export type PartKind =
  "wait" | "offered" | "ring" | "talk" | "hold" | "consult" | "park" | "wrap_up" | "sound";

export interface Part {
  readonly kind: PartKind;
  readonly from: number;
  readonly to: number;
  /** Its end, or its beginning, is not known. */
  readonly open: boolean;
  /** How it ended, where that is a word of its own. */
  readonly end: string | null;
}

export interface Mark {
  readonly at: number;
  readonly strength: "warning" | "breach";
  readonly rule: string;
  /** A violation, not only an alert. */
  readonly violation: boolean;
  /** An appeal was granted. */
  readonly excused: boolean;
}

export interface Lane {
  readonly key: string;
  /** Of a seat; null: where the caller waited, or the recordings. */
  readonly seat: string | null;
  readonly agent: string | null;
  readonly is: "waiting" | "seat" | "sound";
  readonly parts: readonly Part[];
  readonly marks: readonly Mark[];
  /** Where a call was handed on from this seat. */
  readonly transfers: readonly number[];
}

export interface Drawn {
  readonly from: number;
  readonly to: number;
  readonly lanes: readonly Lane[];
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600];

/** A span of at least a second, so that every call has an axis. */
const LEAST_S = 1;

function known(values: readonly (number | null | undefined)[]): readonly number[] {
  return values.filter((value): value is number => typeof value === "number");
}

function part(
  kind: PartKind,
  from: number | null,
  to: number | null,
  end: string | null = null,
  open = false,
): readonly Part[] {
  if (from === null || to === null || to < from) return [];
  return [{ kind, from, to, open, end }];
}

function partsOf(leg: StoryLeg): readonly Part[] {
  const { offered_at, ringing_at, answered_at, ended_at } = leg;
  const rang = ringing_at ?? null;
  const untilRing = rang ?? answered_at;
  return [
    ...part("offered", offered_at, untilRing ?? (rang === null ? ended_at : null)),
    ...part("ring", rang, answered_at ?? ended_at, answered_at === null ? leg.outcome : null),
    ...part("talk", answered_at, answered_at === null ? null : ended_at, leg.ended_by),
    ...leg.holds.flatMap(({ kind, at, seconds_s }) => {
      const from = at ?? answered_at;
      const to = from === null ? null : seconds_s === null ? ended_at : from + seconds_s;
      return part(kind, from, to, null, at === null || seconds_s === null);
    }),
  ].filter(({ kind, from, to }) => kind !== "offered" || to > from);
}

function beginOf(leg: StoryLeg): number {
  return leg.offered_at ?? leg.ringing_at ?? leg.answered_at ?? leg.ended_at;
}

function waitsOf(visits: readonly Visit[]): readonly Part[] {
  return visits.flatMap(({ joined_at, left_at, outcome, estimated }) =>
    part("wait", joined_at, left_at, outcome, estimated),
  );
}

/** Alerts and violations of a seat, or of none. One that became a violation is drawn once. */
function marksOf(story: Story, seat: string | null): readonly Mark[] {
  const violations = story.violations
    .filter(({ violation }) => violation.seat === seat)
    .map(({ violation, standing }): Mark => ({
      at: violation.at,
      strength: "breach",
      rule: violation.rule,
      violation: true,
      excused: !standing,
    }));
  const same = (alert: StoryAlert) =>
    violations.some(({ at, rule }) => rule === alert.rule && Math.abs(at - alert.at) < 1);
  const alerts = story.alerts
    .filter((alert) => alert.seat === seat && alert.level !== "cleared")
    .filter((alert) => !(alert.level === "breach" && same(alert)))
    .map(({ at, level, rule }): Mark => ({
      at,
      strength: level === "warning" ? "warning" : "breach",
      rule,
      violation: false,
      excused: false,
    }));
  return [...violations, ...alerts].sort((a, b) => a.at - b.at);
}

function sounds(recordings: readonly StoryRecording[], to: number): readonly Part[] {
  return recordings.flatMap(({ started_at, ended_at }) =>
    part("sound", started_at, ended_at ?? to, null, ended_at === null),
  );
}

/** The call as it is drawn: waiting first, then seats in the order in which they came to it. */
export function drawn(story: Story): Drawn | null {
  const { visits, wrap_ups, line } = story;
  const legs = [...story.legs].sort((a, b) => beginOf(a) - beginOf(b));
  const from = Math.min(
    ...known([line?.started_at, ...visits.map(({ joined_at }) => joined_at), ...legs.map(beginOf)]),
  );
  const last = Math.max(
    ...known([
      line?.ended_at,
      ...visits.map(({ left_at }) => left_at),
      ...legs.map(({ ended_at }) => ended_at),
      ...wrap_ups.map(({ to_at }) => to_at),
    ]),
  );
  if (!Number.isFinite(from) || !Number.isFinite(last)) return null;
  const to = Math.max(last, from + LEAST_S);
  const within = (mark: Mark) => mark.at >= from - 0.5 && mark.at <= to + 0.5;
  const seats = new Map<string, StoryLeg[]>();
  for (const leg of legs) seats.set(leg.seat, [...(seats.get(leg.seat) ?? []), leg]);
  const lanes: Lane[] = [];
  const nobodys = marksOf(story, null).filter(within);
  if (visits.length > 0 || nobodys.length > 0)
    lanes.push({
      key: "waiting",
      seat: null,
      agent: null,
      is: "waiting",
      parts: waitsOf(visits),
      marks: nobodys,
      transfers: [],
    });
  for (const [seat, own] of seats) {
    const ids = new Set(own.map(({ leg }) => leg));
    lanes.push({
      key: seat,
      seat,
      agent: own.map(({ agent }) => agent).find((agent) => agent !== null) ?? null,
      is: "seat",
      parts: [
        ...own.flatMap(partsOf),
        ...wrap_ups
          .filter(({ leg }) => ids.has(leg))
          .flatMap(({ from_at, to_at, ended_by }) => part("wrap_up", from_at, to_at, ended_by)),
      ],
      marks: marksOf(story, seat).filter(within),
      transfers: own.flatMap(({ ended_by, ended_at }) =>
        ended_by === "transfer" ? [ended_at] : [],
      ),
    });
  }
  if (story.recordings.length > 0)
    lanes.push({
      key: "sound",
      seat: null,
      agent: null,
      is: "sound",
      parts: sounds(story.recordings, to),
      marks: [],
      transfers: [],
    });
  return { from, to, lanes, gaps: gapsWithin(story.gaps, from, to) };
}

/** Gaps cut to a span; one that goes on ends with it. */
export function gapsWithin(
  gaps: readonly Gap[],
  from: number,
  to: number,
): readonly { readonly from: number; readonly to: number }[] {
  return gaps
    .map((gap) => ({ from: Math.max(from, gap.from_at), to: Math.min(to, gap.to_at ?? to) }))
    .filter((gap) => gap.to > gap.from);
}

/** Where the axis has its ticks: on whole steps of local time, at most `most` of them. */
export function ticks(from: number, to: number, most: number, offset_s: number): readonly number[] {
  const step = STEPS.find((one) => (to - from) / one <= most) ?? 43_200;
  const first = Math.ceil((from + offset_s) / step) * step - offset_s;
  const found = [];
  for (let at = first; at <= to; at += step) found.push(at);
  return found;
}

/** The recording that sounds at a moment; null where none does. */
export function soundAt(
  recordings: readonly StoryRecording[],
  at: number,
  to: number,
): StoryRecording | null {
  return (
    recordings.find(({ started_at, ended_at }) => at >= started_at && at <= (ended_at ?? to)) ??
    null
  );
}

/** Alerts on one thing, from the first until it was over. */
export interface Spelt {
  readonly key: string;
  readonly rule: string;
  readonly agent: string | null;
  /** The worst of it. */
  readonly level: "warning" | "breach" | "escalation";
  readonly at: number;
  readonly ended_at: number | null;
  /** As long as it came to be, as far as was said. */
  readonly value_s: number | null;
  readonly limit_s: number | null;
  readonly notes: readonly AlertNote[];
}

const LEVELS = ["warning", "breach", "escalation"] as const;

/** The alerts of a call by what they are on, in order. */
export function spelt(alerts: readonly StoryAlert[]): readonly Spelt[] {
  const groups = new Map<string, StoryAlert[]>();
  for (const alert of [...alerts].sort((a, b) => a.at - b.at))
    groups.set(alert.spell, [...(groups.get(alert.spell) ?? []), alert]);
  return [...groups].flatMap(([key, list]) => {
    const first = list[0];
    const worst = [...LEVELS]
      .reverse()
      .find((level) => list.some((alert) => alert.level === level));
    // Its beginning was purged: what is left says that it ended, of nothing.
    if (first === undefined || worst === undefined) return [];
    const values = known(list.map(({ value_s }) => value_s));
    return [
      {
        key,
        rule: first.rule,
        agent: first.agent,
        level: worst,
        at: first.at,
        ended_at: list.find(({ level }) => level === "cleared")?.at ?? null,
        value_s: values.length === 0 ? null : Math.max(...values),
        limit_s: first.limit_s,
        notes: list.flatMap(({ notes }) => notes),
      },
    ];
  });
}

// --- the course in words -------------------------------------------------------------------------

export interface Event {
  readonly at: number;
  readonly what:
    | "started"
    | "joined"
    | "left"
    | "ringing"
    | "answered"
    | "hold"
    | "consult"
    | "park"
    | "ended"
    | "not_answered"
    | "wrap_up"
    | "call_ended";
  readonly seat: string | null;
  readonly agent: string | null;
  /** A queue, an outcome or who ended it. */
  readonly word: string | null;
  readonly seconds: number | null;
}

/** What happened, in order: what the drawing shows, for whoever reads or hears it. */
export function course(story: Story): readonly Event[] {
  const { line } = story;
  const events: Event[] = [];
  const nobody = { seat: null, agent: null };
  if (line?.started_at != null)
    events.push({ at: line.started_at, what: "started", ...nobody, word: null, seconds: null });
  for (const { joined_at, left_at, queue, wait_s, outcome } of story.visits) {
    events.push({ at: joined_at, what: "joined", ...nobody, word: queue, seconds: null });
    if (outcome !== "answered")
      events.push({ at: left_at, what: "left", ...nobody, word: outcome, seconds: wait_s });
  }
  for (const leg of story.legs) {
    const who = { seat: leg.seat, agent: leg.agent };
    if (leg.ringing_at !== null)
      events.push({ at: leg.ringing_at, what: "ringing", ...who, word: null, seconds: null });
    if (leg.answered_at === null)
      events.push({
        at: leg.ended_at,
        what: "not_answered",
        ...who,
        word: leg.outcome,
        seconds: leg.ring_s,
      });
    else {
      const { answered_at, ended_at, ring_s, talk_s, ended_by } = leg;
      events.push({ at: answered_at, what: "answered", ...who, word: null, seconds: ring_s });
      for (const { kind, at, seconds_s } of leg.holds)
        events.push({ at: at ?? answered_at, what: kind, ...who, word: null, seconds: seconds_s });
      events.push({ at: ended_at, what: "ended", ...who, word: ended_by, seconds: talk_s });
    }
  }
  for (const { seat, agent, to_at, from_at, ended_by } of story.wrap_ups)
    events.push({
      at: to_at,
      what: "wrap_up",
      seat,
      agent,
      word: ended_by,
      seconds: to_at - from_at,
    });
  if (line !== null)
    events.push({
      at: line.ended_at,
      what: "call_ended",
      ...nobody,
      word: line.outcome,
      seconds: null,
    });
  return events
    .map((event, index) => ({ event, index }))
    .sort((a, b) => a.event.at - b.event.at || a.index - b.index)
    .map(({ event }) => event);
}
