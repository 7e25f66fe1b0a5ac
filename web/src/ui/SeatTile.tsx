import { type Signal, useComputed } from "@preact/signals";
import { messages } from "../i18n";
import { store } from "../live/store";
import { duration, limit, shortDuration, splitPerson } from "../model/format";
import { clockBar, nearestDue, ringCount } from "../model/rules";
import type { Seat } from "../model/types";
import { floatAt, floatAway, floatSoon } from "./floating";
import { Icon } from "./icons";
import { Bar, Live, StrengthTag } from "./parts";
import { elapsed, pbxTime, queueLabel, stateWord } from "./words";

interface Props {
  readonly id: string;
  /** The tile that Tab reaches; the arrow keys move it. */
  readonly roving: Signal<string | null>;
  readonly first: string | null;
}

export function SeatTile({ id, roving, first }: Props) {
  const t = messages.value;
  const seat = store.seat(id);
  const reachable = useComputed(() => {
    const chosen = roving.value;
    const known = chosen !== null && store.seat(chosen) !== undefined;
    return known ? chosen : null;
  });
  if (seat === undefined) return null;
  const stop = (reachable.value ?? first) === id;
  const note = () => <SeatNote id={id} />;
  const calm = seat.trouble === "calm";
  return (
    <li
      class="tile"
      data-seat={id}
      data-state={seat.state}
      data-strength={seat.trouble}
      data-stopped={store.isStopped(seat.pbx) ? "yes" : "no"}
      tabIndex={stop ? 0 : -1}
      aria-label={describe(seat)}
      onFocus={(event) => {
        roving.value = id;
        floatAt(event.currentTarget, note);
      }}
      onBlur={(event) => floatAway(event.currentTarget)}
      onPointerEnter={(event) => floatSoon(event.currentTarget, note)}
      onPointerLeave={(event) => floatAway(event.currentTarget)}
    >
      <div class="tile-top">
        <b class="tile-label">{seat.label}</b>
        <Person agent={seat.agent} />
        {seat.direction === "outbound" && (
          <span class="tile-direction">
            <Icon name="outbound" />
            <span class="wide">{t.direction.outbound}</span>
          </span>
        )}
        {!calm && (
          <span class="tile-strength" data-strength={seat.trouble}>
            <Icon name={seat.trouble} />
            <span class="wide">{t.strength[seat.trouble]}</span>
          </span>
        )}
      </div>
      <div class="tile-main">
        <span class="tile-state">
          <Icon name={seat.state} />
          <span class="tile-word">{stateWord(seat)}</span>
        </span>
        <span class="tile-time">
          <Live text={() => timeInState(id, true)} />
        </span>
      </div>
      <div class="tile-detail">
        <Detail id={id} seat={seat} />
      </div>
      {seat.clock !== null && <Bar of={() => seatBar(id)} />}
    </li>
  );
}

function Detail({ id, seat }: { id: string; seat: Seat }) {
  const t = messages.value;
  const { clock } = seat;
  // An order whose call still goes on is nobody's worry yet: the note lists it, the tile does not.
  const due = seat.owed.filter((order) => order.due_at !== null).length;
  return (
    <>
      {clock?.stopped && <span class="tile-note">{t.seat.stopped}</span>}
      {clock !== null && !clock.stopped && clock.rule === "ring" && (
        <span class="tile-ring">
          <Live text={() => ringText(id)} />
        </span>
      )}
      {seat.state === "paused" && seat.pause_reason !== null && (
        <span class="tile-text">{seat.pause_reason}</span>
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
      {due > 0 && <OwedMark id={id} count={due} />}
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

function OwedMark({ id, count }: { id: string; count: number }) {
  const late = useComputed(() => {
    const left = dueLeft(id);
    return left !== null && left < 0 ? "breach" : "calm";
  });
  return (
    <span class="tile-owed" data-strength={late}>
      <Icon name="order" />
      <b>{count}</b>
      <span class="tile-due">
        <Live text={() => dueText(id)} />
      </span>
    </span>
  );
}

/** `short` leaves out the seconds from an hour on: nobody needs them on a tile. */
function timeInState(id: string, short = false): string {
  const seat = store.seat(id);
  if (seat === undefined || seat.since === null) return "";
  const gone = elapsed(seat.pbx, seat.since, seat.clock !== null);
  return short ? shortDuration(gone) : duration(gone);
}

function seatBar(id: string) {
  const seat = store.seat(id);
  // Most seats have no clock: those must not be computed at every tick.
  if (!seat?.clock) return null;
  const now = store.now(seat.pbx).value;
  return now === null ? null : clockBar(seat.clock, now);
}

function ringText(id: string): string {
  const seat = store.seat(id);
  const now = seat === undefined ? null : store.now(seat.pbx).value;
  if (!seat?.clock || now === null) return "";
  const count = ringCount(seat.clock, now);
  return count === null ? "" : messages.value.seat.ring(count);
}

/** Seconds until the nearest work order is due, negative past it; null without a due time. */
function dueLeft(id: string): number | null {
  const seat = store.seat(id);
  const due = seat === undefined ? null : nearestDue(seat.owed);
  if (seat === undefined || due === null) return null;
  const now = store.second(seat.pbx).value;
  return now === null ? null : due - now;
}

function dueText(id: string): string {
  const left = dueLeft(id);
  if (left === null) return "";
  return left < 0 ? `+${duration(-left)}` : duration(left);
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
    seat.pause_reason,
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
    [t.seat.pauseReason, seat.state === "paused" ? seat.pause_reason : null],
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
