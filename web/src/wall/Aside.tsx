import { computed } from "@preact/signals";
import { messages } from "../i18n";
import { store } from "../live/store";
import { duration } from "../model/format";
import { cause, isFolded } from "../model/rules";
import type { Seat, SeatState } from "../model/types";
import { Icon } from "../ui/icons";
import { Live } from "../ui/parts";
import { access } from "./access";
import { queuesWait } from "./turn";
import { wallWords } from "./words";

/** As many as fit above the counts; the heading says how many there are. */
const SHOWN = 3;

const STATES = ["available", "ringing", "talking", "holding", "wrap_up", "paused"] as const;

/** Seats in trouble, without the small ones that a surge stands for. */
const troubled = computed<readonly string[]>(() =>
  store.troubleKeys.value.filter((key) => {
    const seat = store.seat(key);
    if (seat === undefined) return false;
    const surge = seat.queue === null ? undefined : store.surge(seat.pbx, seat.queue);
    return !isFolded(seat.trouble, surge);
  }),
);

/** Who needs help, and what the seats do; on a wall for visitors only the latter. */
export function Aside() {
  const masked = access.value.is !== "in" || access.value.info.masked;
  return (
    <aside class="wall-aside" data-masked={masked ? "yes" : "no"}>
      {!masked && <Trouble />}
      <Counts />
    </aside>
  );
}

function Trouble() {
  const t = wallWords.value;
  const keys = troubled.value;
  if (keys.length === 0) {
    const blind =
      store.feed.value.is !== "live" ||
      store.pbxKeys.value.some((key) => store.stoppedAt(store.pbx(key)?.id ?? "") !== null);
    return (
      <p class="wall-calm" data-blind={blind ? "yes" : "no"}>
        <Icon name={blind ? "notice" : "calm"} large />
        {blind ? t.unknown : queuesWait.value ? t.seatsCalm : t.calm}
      </p>
    );
  }
  const shown = keys.slice(0, SHOWN);
  return (
    <section class="wall-trouble">
      <h2>{t.trouble(keys.length)}</h2>
      <ul>
        {shown.map((key) => (
          <Card key={key} id={key} />
        ))}
      </ul>
    </section>
  );
}

function Card({ id }: { id: string }) {
  const seat = store.seat(id);
  if (seat === undefined || seat.trouble === "calm") return null;
  return (
    <li
      class="wall-card"
      data-strength={seat.trouble}
      data-stopped={store.isStopped(seat.pbx) ? "yes" : "no"}
    >
      <p class="wall-who">
        <Icon name={seat.trouble} large />
        <span>{seat.agent ?? seat.label}</span>
      </p>
      <p class="wall-why">
        <Live text={() => why(seat)} />
      </p>
    </li>
  );
}

/** What is wrong, and the time that counts. */
function why(seat: Seat): string {
  const t = wallWords.value;
  const now = store.second(seat.pbx).value;
  const found = now === null ? null : cause(seat, store.activeAlerts.value, now);
  if (found === null || now === null) return messages.value.strength[seat.trouble];
  const words: Readonly<Record<string, string>> = messages.value.rule;
  switch (found.kind) {
    case "clock":
      return `${words[found.rule]} ${duration(now - found.clock.from)}`;
    case "due":
      return found.due_at > now
        ? `${messages.value.rule.work_order} ${t.left(duration(found.due_at - now))}`
        : `${t.owed} ${duration(now - found.due_at)}`;
    case "alert":
      return words[found.rule] ?? messages.value.rule.unknown;
    case "unknown":
      return seat.trouble === "urgent" ? messages.value.rule.urgent : messages.value.rule.unknown;
  }
}

function Counts() {
  const t = wallWords.value;
  return (
    <dl class="wall-counts" aria-label={t.seats}>
      {STATES.map((state) => (
        <div key={state} data-state={state}>
          <dt>
            <Icon name={state} />
            {t.states[state]}
          </dt>
          <dd>
            <Live text={() => `${count(state)}`} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function count(state: SeatState): number {
  const { counts } = store.floor;
  // Whose phone is about to ring is not free any more.
  return counts[state].value + (state === "ringing" ? counts.offered.value : 0);
}
