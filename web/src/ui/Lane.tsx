import { type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { openMenu } from "../board/menu";
import { seatFoldedInto, surging } from "../board/surge";
import { SurgeCard } from "../board/SurgeCard";
import { messages } from "../i18n";
import { store } from "../live/store";
import { HALL, type Running } from "../live/ticker";
import { duration, limit, measure } from "../model/format";
import { type Bar as BarValue, bar, type Cause, cause, clockBar, ringCount } from "../model/rules";
import type { Seat } from "../model/types";
import { drawBar, textOf } from "./faces";
import { Icon } from "./icons";
import { waitStrength } from "./Queues";
import { StateCounts } from "./Seats";
import { pbxTime, queueLabel } from "./words";

// Sizes in px as in lane.css.
const LARGE_PX = 272;
const SMALL_PX = 200;
const GAP_PX = 8;
const PHONE_PX = 640;
const ON_PHONE = 4;

/** Who needs help now, worst first. Its height is always kept, so that no seat moves. */
export function Lane() {
  const t = messages.value;
  const { keys, folded } = listed();
  const box = useRef<HTMLElement>(null);
  const width = useSignal(1000);
  const expanded = useSignal(false);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => {
      width.value = element.clientWidth;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [width]);
  const phone = width.value < PHONE_PX;
  const large = phone ? ON_PHONE : columns(width.value, LARGE_PX);
  const small = keys.length > large;
  const room = small && !phone ? 2 * columns(width.value, SMALL_PX) : large;
  const overflows = keys.length > room && !expanded.value;
  const shown = overflows ? keys.slice(0, room - 1) : keys;
  return (
    <section
      class="lane"
      ref={box}
      aria-label={t.lane.heading}
      data-size={small ? "small" : "large"}
      data-expanded={expanded.value ? "yes" : "no"}
      data-calm={keys.length === 0 ? "yes" : "no"}
    >
      {keys.length === 0 ? (
        <Calm />
      ) : (
        <ul class="cards">
          {shown.map((key) => (
            <li key={key}>
              {key.startsWith("queue:") ? (
                <SurgeCard id={key} folded={folded.get(key) ?? 0} />
              ) : (
                <TroubleCard id={key} />
              )}
            </li>
          ))}
          {(overflows || (expanded.value && keys.length > room)) && (
            <li key="more">
              <button
                type="button"
                class="more"
                aria-expanded={expanded.value}
                onClick={() => {
                  expanded.value = !expanded.value;
                }}
              >
                {overflows ? t.lane.more(keys.length - shown.length) : t.feed.close}
              </button>
            </li>
          )}
        </ul>
      )}
    </section>
  );
}

/** Who is shown: urgent cases, then surges, then the seats without those that a surge stands for. */
function listed(): { keys: readonly string[]; folded: ReadonlyMap<string, number> } {
  const seats = store.troubleKeys.value;
  const surges = surging.value;
  const folded = new Map<string, number>();
  if (surges.length === 0) return { keys: seats, folded };
  const own = seats.filter((key) => {
    const queue = seatFoldedInto(key);
    if (queue !== null) folded.set(queue, (folded.get(queue) ?? 0) + 1);
    return queue === null;
  });
  const urgent = own.filter((key) => store.seat(key)?.trouble === "urgent").length;
  return { keys: [...own.slice(0, urgent), ...surges, ...own.slice(urgent)], folded };
}

function columns(width: number, least: number): number {
  return Math.max(1, Math.floor((width + GAP_PX) / (least + GAP_PX)));
}

/** Says that all is well, but only when that is known. */
function Calm() {
  const t = messages.value.lane;
  const queuesWait = useComputed(() =>
    store.queueKeys.value.some((key) => waitStrength(key) !== "calm"),
  );
  const stopped =
    store.feed.value.is !== "live" ||
    store.pbxKeys.value.some((key) => store.stoppedAt(store.pbx(key)?.id ?? "") !== null);
  const noSeats = store.seatGroups.value.length === 0;
  const blind = stopped || noSeats;
  const [title, detail] = stopped
    ? [t.unknown, t.unknownDetail]
    : noSeats
      ? [t.noSeats, t.noSeatsDetail]
      : queuesWait.value
        ? [t.seatsCalm, t.queuesWait]
        : [t.calm, t.calmDetail];
  return (
    <div class="all-calm" data-blind={blind ? "yes" : "no"}>
      <p>
        <Icon name={blind ? "notice" : "calm"} large />
        <strong>{title}</strong>
        <span>{detail}</span>
      </p>
      {!noSeats && <StateCounts />}
    </div>
  );
}

interface Figures {
  /** The time that counts. */
  readonly main: string;
  /** What it stands against. */
  readonly against: string;
  /** How far past it. */
  readonly over: string;
}

const NO_FIGURES: Figures = { main: "", against: "", over: "" };

function figures(seat: Seat, why: Cause, now: number): Figures {
  const t = messages.peek();
  switch (why.kind) {
    case "clock": {
      const { from, warn_at, breach_at, stopped } = why.clock;
      if (stopped) return { ...NO_FIGURES, main: "–", over: t.seat.stopped };
      const past = breach_at === null ? 0 : now - breach_at;
      const against =
        breach_at !== null
          ? t.lane.limit(limit(breach_at - from))
          : warn_at === null
            ? ""
            : t.lane.warnAt(limit(warn_at - from));
      const rings = ringCount(why.clock, now);
      return {
        main: duration(now - from),
        against: [rings === null ? "" : t.seat.ring(rings), against]
          .filter(Boolean)
          .join(t.separator),
        over: past >= 1 ? t.lane.over(duration(past)) : "",
      };
    }
    case "due": {
      const left = why.due_at - now;
      return left < 0
        ? { ...NO_FIGURES, main: duration(-left), over: t.lane.overdue }
        : { ...NO_FIGURES, main: duration(left), over: t.lane.left };
    }
    case "alert":
      if (why.value === null)
        return {
          ...NO_FIGURES,
          main: duration(now - why.at),
          over: t.lane.since(pbxTime(why.at, seat.pbx)),
        };
      return {
        ...NO_FIGURES,
        main: measure(why.value),
        against: why.limit === null ? "" : t.lane.limit(limit(why.limit)),
      };
    case "unknown":
      return {
        ...NO_FIGURES,
        main: seat.since === null ? "" : duration(now - seat.since),
        over: t.seat.inState,
      };
  }
}

function barOf(why: Cause, now: number): BarValue | null {
  if (why.kind === "clock") return clockBar(why.clock, now);
  if (why.kind === "alert" && why.value !== null) return bar(why.value, null, why.limit);
  return null;
}

/** The parts of a card that time moves, as those of a tile: written past Preact. */
class Face implements Running {
  seat: Seat;
  readonly exact = true;
  /** Which rule it is about; its words are rendered. */
  readonly rule: Signal<string>;
  #box: HTMLElement | null = null;
  #main: Text | null = null;
  #against: Text | null = null;
  #over: Text | null = null;
  #bar = "";

  constructor(seat: Seat, rule: Signal<string>) {
    this.seat = seat;
    this.rule = rule;
  }

  get pbx(): string {
    return this.seat.pbx;
  }

  readonly onBox = (element: HTMLElement | null): void => {
    this.#box = element;
    this.#bar = "";
  };
  readonly onMain = (element: HTMLElement | null): void => {
    this.#main = textOf(element);
  };
  readonly onAgainst = (element: HTMLElement | null): void => {
    this.#against = textOf(element);
  };
  readonly onOver = (element: HTMLElement | null): void => {
    this.#over = textOf(element);
  };

  show(now: number | null): void {
    const why = now === null ? null : cause(this.seat, store.activeAlerts.peek(), now);
    if (why === null || now === null) return;
    this.rule.value = why.kind === "unknown" ? "unknown" : why.rule;
    const shown = figures(this.seat, why, now);
    write(this.#main, shown.main);
    write(this.#against, shown.against);
    write(this.#over, shown.over);
    this.#bar = drawBar(this.#box, barOf(why, now), this.#bar);
  }
}

function write(node: Text | null, text: string): void {
  if (node !== null && node.data !== text) node.data = text;
}

function TroubleCard({ id }: { id: string }) {
  const t = messages.value;
  const seat = store.seat(id);
  const rule = useSignal("unknown");
  const face = useRef<Face | null>(null);
  useLayoutEffect(
    () => (face.current === null ? undefined : HALL.enter(face.current)),
    [seat === undefined],
  );
  useLayoutEffect(() => {
    if (face.current !== null) HALL.show(face.current);
  });
  if (seat === undefined) {
    face.current = null;
    return null;
  }
  face.current ??= new Face(seat, rule);
  face.current.seat = seat;
  const ruleKey = rule.value as keyof typeof t.rule;
  const { trouble } = seat;
  return (
    <button
      type="button"
      class="card"
      ref={face.current.onBox}
      data-strength={trouble}
      data-trouble={id}
      data-stopped={store.isStopped(seat.pbx) ? "yes" : "no"}
      title={t.lane.goTo}
      onClick={() => goTo(id)}
      onContextMenu={(event) => {
        event.preventDefault();
        openMenu({ kind: "seat", key: id }, event.currentTarget);
      }}
    >
      <span class="card-top">
        <span class="card-strength">
          <Icon name={trouble} />
          {t.strength[trouble]}
        </span>
        <span class="card-rule">{t.rule[ruleKey]}</span>
        <span class="card-against" ref={face.current.onAgainst} />
      </span>
      <span class="card-main">
        <span class="card-who">
          <b>{seat.label}</b>
          <span>{seat.agent ?? t.seat.nobody}</span>
        </span>
        <span class="card-time">
          <b ref={face.current.onMain} />
        </span>
      </span>
      <span class="card-foot">
        <span class="card-todo">{t.todo[ruleKey]}</span>
        <span class="card-over" ref={face.current.onOver} />
      </span>
      {seat.queue !== null && <span class="unseen">{queueLabel(seat.pbx, seat.queue)}</span>}
    </button>
  );
}

function goTo(id: string): void {
  const tile = document.querySelector<HTMLElement>(`[data-seat="${CSS.escape(id)}"]`);
  tile?.scrollIntoView({ block: "center" });
  tile?.focus();
}
