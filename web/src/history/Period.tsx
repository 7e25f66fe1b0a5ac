import { useId } from "preact/hooks";
import type { Duty, Page } from "../api/types";
import { items } from "../api/client";
import { may } from "../live/session";
import { dayStarts, offset, today, useAsk } from "./ask";
import { dayBefore, type Period, periodOf } from "./period";
import { go, type HistoryPage, place } from "./place";
import { historyWords } from "./words";
import { clockOf, DAY_S, dayAfter } from "./zone";

export function usePeriod(): Period {
  return periodOf(place.value.query, today(), offset.value, dayStarts.value);
}

/** The hours of the shifts on the roster of a day, each once, in their order. */
function shiftsOf(
  duties: readonly Duty[],
  offset_s: number,
): readonly (readonly [string, string])[] {
  const found = new Map<string, readonly [string, string]>();
  for (const { from_at, to_at } of [...duties].sort((a, b) => a.from_at - b.from_at)) {
    const begins = clockOf(from_at, offset_s);
    const ends = clockOf(to_at, offset_s);
    found.set(`${begins} ${ends}`, [begins, ends]);
  }
  return [...found.values()];
}

/** Which day and hours are shown: today, any date, a shift of the roster, or hours by hand. */
export function PeriodForm({ page, now }: { page: HistoryPage; now: Period }) {
  const t = historyWords.value.period;
  const ids = useId();
  const { query } = place.value;
  const day = today();
  const start = periodOf({ date: now.date }, day, offset.value, dayStarts.value).from;
  const roster = useAsk<Page<Duty>>(may("shift") ? "roster" : null, {
    from: start,
    to: start + DAY_S,
  });
  const shifts = roster.value === null ? [] : shiftsOf(items(roster.value), offset.value);
  const show = (changed: { date?: string; begins?: string; ends?: string }) =>
    go(page, { ...query, date: now.date, begins: now.begins, ends: now.ends, ...changed });
  const whole = now.begins === "";
  return (
    <div class="hx-period" role="group" aria-label={t.name}>
      <button
        type="button"
        class="button"
        aria-label={t.before}
        title={t.before}
        onClick={() => show({ date: dayBefore(now.date) })}
      >
        ‹
      </button>
      <label class="unseen" for={`${ids}-date`}>
        {t.date}
      </label>
      <input
        id={`${ids}-date`}
        type="date"
        value={now.date}
        max={day}
        onChange={(event) => {
          if (event.currentTarget.value !== "") show({ date: event.currentTarget.value });
        }}
      />
      <button
        type="button"
        class="button"
        aria-label={t.after}
        title={t.after}
        disabled={now.date >= day}
        onClick={() => show({ date: dayAfter(now.date, 1) })}
      >
        ›
      </button>
      <button
        type="button"
        class="button"
        aria-pressed={now.date === day && whole}
        onClick={() => show({ date: day, begins: "", ends: "" })}
      >
        {t.today}
      </button>
      <span class="hx-between" role="group" aria-label={t.hours}>
        <button
          type="button"
          class="button"
          aria-pressed={whole}
          onClick={() => show({ begins: "", ends: "" })}
        >
          {t.wholeDay}
        </button>
        {shifts.map(([begins, ends]) => (
          <button
            key={`${begins} ${ends}`}
            type="button"
            class="button"
            aria-pressed={now.begins === begins && now.ends === ends}
            onClick={() => show({ begins, ends })}
          >
            {t.shift(begins, ends)}
          </button>
        ))}
        <Hours key={`${now.begins} ${now.ends}`} now={now} show={show} />
      </span>
    </div>
  );
}

function Hours({
  now,
  show,
}: {
  now: Period;
  show: (changed: { begins: string; ends: string }) => void;
}) {
  const t = historyWords.value.period;
  const form = (element: HTMLFormElement) => {
    const data = new FormData(element);
    const [begins, ends] = [String(data.get("begins")), String(data.get("ends"))];
    if (begins !== "" && ends !== "" && begins !== ends) show({ begins, ends });
  };
  return (
    <form
      class="hx-hours"
      onSubmit={(event) => {
        event.preventDefault();
        form(event.currentTarget);
      }}
    >
      <input type="time" name="begins" defaultValue={now.begins} aria-label={t.from} />
      <span aria-hidden="true">–</span>
      <input type="time" name="ends" defaultValue={now.ends} aria-label={t.to} />
      <button type="submit" class="button">
        {t.show}
      </button>
    </form>
  );
}
