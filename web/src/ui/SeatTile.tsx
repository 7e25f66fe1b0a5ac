import { useLayoutEffect, useRef } from "preact/hooks";
import { messages } from "../i18n";
import { pauseText } from "../live/form";
import { store } from "../live/store";
import type { Room, Running } from "../live/ticker";
import { duration, limit, shortDuration, splitPerson } from "../model/format";
import { clockBar, nearestDue, ringCount } from "../model/rules";
import type { Seat } from "../model/types";
import { openMenu } from "../board/menu";
import type { Square } from "../board/plan";
import { density, LEAN } from "./density";
import { drawBar, textOf } from "./faces";
import { floatAt, floatAway, floatSoon } from "./floating";
import { Icon } from "./icons";
import { Live, StrengthTag } from "./parts";
import { elapsed, pbxTime, queueLabel, stateWord } from "./words";

/**
 * The parts of a tile that time moves. They are written past Preact: a room of a thousand seats
 * changes hundreds of them at once, every second.
 */
class Face implements Running {
  seat: Seat;
  #tile: HTMLElement | null = null;
  #time: Text | null = null;
  #ring: Text | null = null;
  #due: Text | null = null;
  #shown = { time: "", ring: "", due: "", bar: "" };

  constructor(seat: Seat) {
    this.seat = seat;
  }

  get pbx(): string {
    return this.seat.pbx;
  }

  get exact(): boolean {
    return this.seat.clock !== null;
  }

  readonly onTile = (element: HTMLElement | null): void => {
    this.#tile = element;
    this.#shown.bar = "";
  };
  readonly onTime = (element: HTMLElement | null): void => {
    this.#time = textOf(element);
    this.#shown.time = "";
  };
  readonly onRing = (element: HTMLElement | null): void => {
    this.#ring = textOf(element);
    this.#shown.ring = "";
  };
  readonly onDue = (element: HTMLElement | null): void => {
    this.#due = textOf(element);
    this.#shown.due = "";
  };

  show(now: number | null): void {
    const { seat } = this;
    const { clock, since } = seat;
    const shown = this.#shown;
    const time = since === null || now === null ? "" : shortDuration(Math.max(0, now - since));
    if (time !== shown.time && this.#time !== null) this.#time.data = shown.time = time;
    const count = clock === null || now === null ? null : ringCount(clock, now);
    const ring = count === null ? "" : messages.peek().seat.ring(count);
    if (ring !== shown.ring && this.#ring !== null) this.#ring.data = shown.ring = ring;
    if (this.#due !== null && now !== null) {
      const left = dueLeft(seat, now);
      const due = left === null ? "" : left < 0 ? `+${duration(-left)}` : duration(left);
      if (due !== shown.due) {
        this.#due.data = shown.due = due;
        const mark = this.#due.parentElement;
        if (mark !== null) mark.dataset.strength = left !== null && left < 0 ? "breach" : "calm";
      }
    }
    const bar = clock === null || now === null ? null : clockBar(clock, now);
    shown.bar = drawBar(this.#tile, bar, shown.bar);
  }
}

interface Props {
  readonly id: string;
  readonly room: Room;
  /** Its square on the floor plan. */
  readonly at?: Square;
}

export function SeatTile({ id, room, at }: Props) {
  const t = messages.value;
  const seat = store.seat(id);
  const face = useRef<Face | null>(null);
  useLayoutEffect(() => {
    if (face.current === null) return undefined;
    return room.enter(face.current);
  }, [room, seat === undefined]);
  useLayoutEffect(() => {
    if (face.current !== null) room.show(face.current);
  });
  if (seat === undefined) {
    face.current = null;
    return null;
  }
  face.current ??= new Face(seat);
  face.current.seat = seat;
  const note = () => <SeatNote id={id} />;
  const calm = seat.trouble === "calm";
  const lean = LEAN.has(density.value);
  const open = (anchor: HTMLElement) => {
    floatAway(anchor);
    openMenu({ kind: "seat", key: id }, anchor);
  };
  return (
    <li
      class="tile"
      ref={face.current.onTile}
      style={at === undefined ? undefined : { gridColumn: `${at.x + 1}`, gridRow: `${at.y + 1}` }}
      data-seat={id}
      data-state={seat.state}
      data-strength={seat.trouble}
      data-stopped={store.isStopped(seat.pbx) ? "yes" : "no"}
      tabIndex={-1}
      aria-label={describe(seat)}
      aria-describedby="tile-hint"
      onClick={(event) => open(event.currentTarget)}
      onContextMenu={(event) => {
        event.preventDefault();
        open(event.currentTarget);
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        open(event.currentTarget);
      }}
      onFocus={(event) => floatAt(event.currentTarget, note)}
      onBlur={(event) => floatAway(event.currentTarget)}
      onPointerEnter={(event) => floatSoon(event.currentTarget, note)}
      onPointerLeave={(event) => floatAway(event.currentTarget)}
    >
      <div class="tile-top">
        <b class="tile-label">{seat.label}</b>
        {density.value !== "tiny" && <Person agent={seat.agent} />}
        {seat.direction === "outbound" && density.value !== "tiny" && (
          <span class="tile-direction">
            <Sign name="outbound" />
            {!lean && <span class="wide">{t.direction.outbound}</span>}
          </span>
        )}
        {!calm && (
          <span class="tile-strength" data-strength={seat.trouble}>
            {lean ? <Sign name={seat.trouble} /> : <Icon name={seat.trouble} />}
            {!lean && <span class="wide">{t.strength[seat.trouble]}</span>}
          </span>
        )}
      </div>
      <div class="tile-main">
        <span class="tile-state">
          <Sign name={seat.state} />
          {!lean && <span class="tile-word">{stateWord(seat)}</span>}
        </span>
        <span class="tile-time" ref={face.current.onTime} />
      </div>
      {!lean && (
        <div class="tile-detail">
          <Detail seat={seat} face={face.current} />
        </div>
      )}
    </li>
  );
}

/** A sign as a picture of the style sheet; see styles/signs.css. */
function Sign({ name }: { name: Seat["state"] | Seat["trouble"] | "outbound" }) {
  return <span class="sign" data-sign={name} />;
}

function Detail({ seat, face }: { seat: Seat; face: Face }) {
  const t = messages.value;
  const { clock } = seat;
  // An order whose call still goes on is nobody's worry yet: the note lists it, the tile does not.
  const due = seat.owed.filter((order) => order.due_at !== null).length;
  return (
    <>
      {clock?.stopped && <span class="tile-note">{t.seat.stopped}</span>}
      {clock !== null && !clock.stopped && clock.rule === "ring" && (
        <span class="tile-ring" ref={face.onRing} />
      )}
      {seat.state === "paused" && seat.pause_reason !== null && (
        <span class="tile-text">{pauseText(seat.pause_reason)}</span>
      )}
      {seat.call !== null && (
        <span class="tile-text">
          {seat.caller ?? t.seat.noAnonymous}
          {seat.queue !== null && (
            <span class="tile-queue">
              {t.separator}
              {queueLabel(seat.pbx, seat.queue)}
            </span>
          )}
        </span>
      )}
      {due > 0 && (
        <span class="tile-owed">
          <Icon name="order" />
          <b>{due}</b>
          <span class="tile-due" ref={face.onDue} />
        </span>
      )}
    </>
  );
}

/** The name; the number behind it (工号) only where there is room. */
function Person({ agent }: { agent: string | null }) {
  const [name, number] = splitPerson(agent ?? "");
  return (
    <span class="tile-person">
      {name}
      {number !== "" && <span class="wide"> {number}</span>}
    </span>
  );
}

function timeInState(id: string): string {
  const seat = store.seat(id);
  if (seat === undefined || seat.since === null) return "";
  return duration(elapsed(seat.pbx, seat.since, seat.clock !== null));
}

/** Seconds until the nearest work order is due, negative past it; null without a due time. */
function dueLeft(seat: Seat, now: number): number | null {
  const due = nearestDue(seat.owed);
  return due === null ? null : due - now;
}

/** For screen readers; without running times, which would be read again and again. */
function describe(seat: Seat): string {
  const t = messages.value;
  const parts = [
    `${t.seat.heading} ${seat.label}`,
    seat.agent ?? t.seat.nobody,
    stateWord(seat),
    seat.trouble === "calm" ? null : t.strength[seat.trouble],
    seat.direction === "outbound" ? t.direction.outbound : null,
    pauseText(seat.pause_reason) || null,
    seat.owed.length > 0 ? t.seat.owed(seat.owed.length) : null,
  ];
  return parts.filter((part) => part !== null).join(t.comma);
}

/** Everything about a seat, for the pointer and the keyboard: small tiles leave much out. */
function SeatNote({ id }: { id: string }) {
  const t = messages.value;
  const seat = store.seat(id);
  if (seat === undefined) return null;
  const { clock } = seat;
  const most = clock?.breach_at ?? clock?.warn_at ?? null;
  const rows: [string, string | null][] = [
    [t.seat.person, seat.agent ?? t.seat.nobody],
    [t.seat.pauseReason, seat.state === "paused" ? pauseText(seat.pause_reason) || null : null],
    [
      seat.direction === "outbound" ? t.seat.callee : t.seat.caller,
      seat.call === null ? null : (seat.caller ?? t.seat.noAnonymous),
    ],
    [t.seat.queue, seat.queue === null ? null : queueLabel(seat.pbx, seat.queue)],
    [t.seat.since, seat.since === null ? null : pbxTime(seat.since, seat.pbx)],
    [
      clock === null ? t.seat.limit : t.rule[clock.rule],
      clock === null || most === null ? null : limit(most - clock.from),
    ],
    [t.seat.queues, seat.queues.map((name) => queueLabel(seat.pbx, name)).join(t.separator)],
    [t.seat.phone, seat.seat],
  ];
  return (
    <div class="seat-note">
      <div class="seat-note-top">
        <strong>
          {seat.label}
          {t.separator}
          {stateWord(seat)} <Live text={() => timeInState(id)} />
        </strong>
        {seat.trouble !== "calm" && <StrengthTag strength={seat.trouble} />}
      </div>
      <dl>
        {rows.map(([name, value]) =>
          value === null || value === "" ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
      {clock?.stopped && <p>{t.seat.stoppedWhy}</p>}
      {seat.gap && <p>{t.seat.gapWhy}</p>}
      {seat.owed.length > 0 && (
        <>
          <strong>{t.seat.workOrders}</strong>
          <dl>
            {seat.owed.map((order) => (
              <div key={order.id}>
                <dt>{order.id}</dt>
                <dd>
                  {order.due_at === null ? (
                    t.seat.noDue
                  ) : (
                    <DueIn pbx={seat.pbx} dueAt={order.due_at} />
                  )}
                </dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </div>
  );
}

function DueIn({ pbx, dueAt }: { pbx: string; dueAt: number }) {
  return (
    <Live
      text={() => {
        const now = store.second(pbx).value;
        if (now === null) return "";
        const left = dueAt - now;
        const t = messages.value.seat;
        return left < 0 ? t.overdue(duration(-left)) : t.due(duration(left));
      }}
    />
  );
}
