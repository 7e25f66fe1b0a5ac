import { useSignal, useSignalEffect } from "@preact/signals";
import { lang } from "../i18n";
import { form } from "../live/form";
import { store } from "../live/store";
import { duration, limit } from "../model/format";
import { ringCount } from "../model/rules";
import type { Seat, SeatState } from "../model/types";
import { Icon } from "../ui/icons";
import { Bar, Live, StrengthTag, useLive } from "../ui/parts";
import { elapsed, queueLabel, stateWord } from "../ui/words";
import { consent, openCurrent } from "./actions";
import { type Countdown, figure } from "./countdown";
import { keyOf } from "./hotkeys";
import { valueAt } from "./draft";
import { currentCount, currentStrength } from "./now";
import { phraseFor, spoken } from "./phrases";
import { currentOrder, draft, earlier, liveSeat, mySeat, view } from "./state";
import { keys, namesOf, numberText, show } from "./ui";
import { deskWords } from "./words";

/** After a hold the words for the return stay this long. */
const AFTER_HOLD_S = 20;

/** The call of the moment: who, how long, what to say. Its height never changes. */
export function Strip() {
  const t = deskWords.value;
  const seat = liveSeat.value;
  if (seat === null)
    return (
      <section class="strip" data-state="none" aria-label={t.strip.label}>
        <div class="strip-who">
          <p class="strip-state">{t.seat.notSignedIn}</p>
          {mySeat.value === null && (
            <button type="button" class="button" onClick={() => show("seat")}>
              {t.seat.signIn}
            </button>
          )}
        </div>
      </section>
    );
  const stopped = store.isStopped(seat.pbx);
  return (
    <section
      class="strip"
      data-state={seat.state}
      data-strength={stopped ? "calm" : currentStrength.value}
      data-stopped={stopped ? "yes" : "no"}
      aria-label={t.strip.label}
    >
      <Who seat={seat} />
      <div class="strip-clock">
        <Clock seat={seat} count={() => currentCount.value} stopped={stopped} />
      </div>
      <Words seat={seat} />
    </section>
  );
}

const HINT: Partial<Record<SeatState, "pausedHint" | "idleHint" | "wrapUpHint">> = {
  available: "idleHint",
  paused: "pausedHint",
  wrap_up: "wrapUpHint",
};

function inCall(state: SeatState): boolean {
  return ["offered", "ringing", "talking", "holding"].includes(state);
}

function Who({ seat }: { seat: Seat }) {
  const t = deskWords.value.strip;
  const call = inCall(seat.state);
  const waiting = currentOrder.value;
  const hint = HINT[seat.state];
  const elsewhere = waiting !== null && view.value?.id !== waiting;
  return (
    <div class="strip-who">
      <p class="strip-state">
        <Icon name={seat.state} large />
        <strong>{stateWord(seat)}</strong>
        {seat.since !== null && seat.state !== "talking" && (
          <span class="faint">
            <Live text={() => duration(elapsed(seat.pbx, seat.since ?? 0, false))} />
          </span>
        )}
        {call && elsewhere && (
          <button type="button" class="button strip-open" onClick={() => void openCurrent()}>
            {t.openCurrent} <kbd>{keyOf(keys.value, "open_current")}</kbd>
          </button>
        )}
      </p>
      {call ? (
        <>
          <p class="strip-caller">{numberText(seat.caller)}</p>
          <p class="strip-detail">
            {[
              seat.queue === null ? null : queueLabel(seat.pbx, seat.queue),
              seat.direction === "outbound" ? t.outbound : knownAs(seat),
            ]
              .filter(Boolean)
              .join(" · ")}
          </p>
        </>
      ) : (
        <p class="strip-detail">{hint === undefined ? "" : t[hint]}</p>
      )}
    </div>
  );
}

function knownAs(seat: Seat): string | null {
  const t = deskWords.value.strip;
  const known = earlier.value;
  if (known === null || seat.caller === null || known.number !== seat.caller) return null;
  const before = known.orders.filter((order) => order.call !== seat.call).length;
  return before === 0 ? t.firstCall : t.knownCaller(before);
}

interface ClockProps {
  readonly seat: Seat;
  readonly count: () => Countdown | null;
  readonly stopped: boolean;
}

function Clock({ seat, count, stopped }: ClockProps) {
  const t = deskWords.value.strip;
  const clock = seat.clock;
  if (stopped || clock?.stopped) return <p class="strip-caption">{t.feedLost}</p>;
  if (clock === null) {
    if (seat.state !== "talking" || seat.since === null) return null;
    return (
      <>
        <p class="strip-figure" data-calm="yes">
          <Live text={() => duration(elapsed(seat.pbx, seat.since ?? 0, false))} />
        </p>
        <p class="strip-caption">{t.talkTime}</p>
      </>
    );
  }
  return (
    <>
      <div class="strip-count">
        <p class="strip-figure" data-testid="countdown">
          <Live text={() => figureText(count())} />
        </p>
        <p class="strip-caption">
          <Live text={() => caption(count())} />
          <span class="faint">
            {clock.breach_at !== null && t.limit(limit(clock.breach_at - clock.from))}
            {clock.rule === "ring" && <Live text={() => ` · ${t.ring(rings(seat))}`} />}
          </span>
        </p>
        <StrengthWord count={count} />
      </div>
      <Bar of={() => count()?.bar ?? null} />
    </>
  );
}

function StrengthWord({ count }: { count: () => Countdown | null }) {
  const strength = useLive(() => count()?.strength ?? "calm");
  return strength.value === "calm" ? null : <StrengthTag strength={strength.value} />;
}

function figureText(count: Countdown | null): string {
  return count === null ? "–" : figure(count);
}

function rings(seat: Seat): number {
  const now = store.now(seat.pbx).value;
  return seat.clock === null || now === null ? 1 : (ringCount(seat.clock, now) ?? 1);
}

function caption(count: Countdown | null): string {
  const t = deskWords.value.strip;
  if (count === null) return "";
  if (count.rule === "consult") return t.consultGone;
  if (count.strength === "breach") return count.rule === "ring" ? t.ringOver : t.holdOver;
  return { ring: t.secondsLeft, hold: t.holdLeft, park: t.parkLeft }[count.rule];
}

type Moment = "greeting" | "before_hold" | "after_hold";

/** The words that belong to this moment, before they are needed. */
function Words({ seat }: { seat: Seat }) {
  const t = deskWords.value.strip;
  const returned = useSignal<number | null>(null);
  const state = useSignal(seat.state);
  useSignalEffect(() => {
    const now = liveSeat.value;
    if (now === null || now.state === state.peek()) return;
    if (state.peek() === "holding" && now.state === "talking")
      returned.value = store.now(now.pbx).peek();
    state.value = now.state;
  });
  const moment = useLive<Moment>(() => {
    const at = returned.value;
    if (seat.state === "holding") return "after_hold";
    if (seat.state !== "talking") return "greeting";
    const now = store.second(seat.pbx).value ?? 0;
    return at !== null && now - at < AFTER_HOLD_S && at >= (seat.since ?? 0) - AFTER_HOLD_S
      ? "after_hold"
      : "before_hold";
  });
  const heading = {
    greeting: t.greeting,
    before_hold: t.beforeHold,
    after_hold: t.afterHold,
  }[moment.value];
  return (
    <div class="strip-words" data-moment={moment.value}>
      <p class="label">{heading}</p>
      <p class="strip-say">{wordsFor(moment.value, seat)}</p>
      {moment.value === "before_hold" && (
        <button type="button" class="button" onClick={() => void consent()}>
          {t.consent} <kbd>{keyOf(keys.value, "consent")}</kbd>
        </button>
      )}
    </div>
  );
}

/** The configured words for a moment, the queue's own first; else the rule's. */
function wordsFor(moment: Moment, seat: Seat): string {
  const t = deskWords.value.strip;
  const known = form.value?.phrases[lang.value === "en" ? "en" : "zh"] ?? [];
  const category = draft.value === null ? "" : String(valueAt(draft.value, "category"));
  const found = phraseFor(known, moment, seat.queue, category);
  if (found !== null) return spoken(found.text, namesOf(seat.pbx, seat.queue));
  return {
    greeting: t.greetingWords,
    before_hold: t.beforeHoldWords,
    after_hold: t.afterHoldWords,
  }[moment];
}
