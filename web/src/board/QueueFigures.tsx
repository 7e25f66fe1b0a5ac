import { signal } from "@preact/signals";
import { messages } from "../i18n";
import { remember, remembered } from "../live/remember";
import { store } from "../live/store";
import type { Figure as FigureValue, Queue, Strength } from "../model/types";
import { Icon } from "../ui/icons";
import { Figure } from "../ui/parts";
import { pbxTime } from "../ui/words";
import { bare, figureOf, shown, WINDOWS, type Window, wordsOf } from "./figures";
import { thresholds } from "./settings";
import { strengthOf } from "./thresholds";
import { board } from "./words";

const KEY = "agentd.board.window";
/** What a card has room for. */
const SHOWN = ["answered", "abandoned", "connect_rate", "asa"] as const;

export const period = signal<Window>(WINDOWS.find((name) => name === remembered(KEY)) ?? "today");

/** Over which time the figures of the cards are. */
export function PeriodChoice() {
  const t = board.value.queue;
  return (
    <div class="segments" role="group" aria-label={t.window}>
      {WINDOWS.map((window) => (
        <button
          key={window}
          type="button"
          aria-pressed={period.value === window}
          onClick={() => {
            period.value = window;
            remember(KEY, window);
          }}
        >
          {t.windows[window]}
        </button>
      ))}
    </div>
  );
}

/** The figures of a queue's period, beside each the same time yesterday and a week ago. */
export function QueueFigures({ queue }: { queue: Queue }) {
  const figures = store.figures(`queue/${queue.pbx}/${queue.name}`);
  const window = period.value;
  return (
    <div class="queue-counts">
      {figures === undefined ? (
        <Counted queue={queue} />
      ) : (
        SHOWN.map((key) => (
          <Compared
            key={key}
            metric={key}
            href={`./calls?kind=queue&name=${encodeURIComponent(`${queue.pbx}/${queue.name}`)}&window=${window}&metric=${key}`}
            now={figureOf(figures, window, key)}
            yesterday={figureOf(figures, `${window}@yesterday`, key)}
            lastWeek={figureOf(figures, `${window}@last_week`, key)}
          />
        ))
      )}
    </div>
  );
}

/** Before agentd has figures of periods: what the queue itself counts, and nothing to compare. */
function Counted({ queue }: { queue: Queue }) {
  const t = messages.value;
  const since =
    queue.counted_since === null
      ? ""
      : `${t.separator}${t.queue.since(pbxTime(queue.counted_since, queue.pbx, false))}`;
  const rows = [
    ["answered", t.queue.answered, queue.answered, t.queue.answeredWhy(queue.offered)],
    ["abandoned", t.queue.abandoned, queue.abandoned, t.queue.abandonedWhy(queue.short_abandons)],
    ["let_go", t.queue.let_go, queue.let_go, t.queue.let_goWhy],
  ] as const;
  return (
    <>
      {rows.map(([key, name, value, why]) => (
        <Figure key={key} class="count" name={name} why={why + since}>
          <span>{name}</span> <b>{value}</b>
          <Before yesterday={board.value.queue.absent} lastWeek={board.value.queue.absent} />
        </Figure>
      ))}
    </>
  );
}

interface ComparedProps {
  readonly metric: string;
  /** The calls behind it. */
  readonly href: string;
  readonly now: FigureValue | undefined;
  readonly yesterday: FigureValue | undefined;
  readonly lastWeek: FigureValue | undefined;
}

function Compared({ metric, href, now, yesterday, lastWeek }: ComparedProps) {
  const t = board.value.queue;
  const { name } = wordsOf(metric);
  const value = now?.value ?? null;
  const before = (figure: FigureValue | undefined) => bare(metric, figure?.value ?? null);
  const strength = strengthFor(metric, value);
  const gap = now?.gap === true || yesterday?.gap === true || lastWeek?.gap === true;
  return (
    <Figure class="count" name={name} why={explain(metric, now)} strength={strength} href={href}>
      <span>{name}</span>{" "}
      <b>
        {strength !== "calm" && <Icon name={strength} />}
        {shown(metric, value)}
        {now?.gap === true && <Icon name="notice" />}
      </b>
      <Before yesterday={before(yesterday)} lastWeek={before(lastWeek)} />
      {gap && <span class="unseen">{t.gap}</span>}
    </Figure>
  );
}

/** The colour of a figure, by the limits that people set. */
export function strengthFor(metric: string, value: number | null): Strength {
  return strengthOf(value, thresholds.kept.value.value[metric]);
}

/** Formula, the numbers in it, what spans a gap, and the limits. */
export function explain(metric: string, figure: FigureValue | undefined): string {
  const t = board.value.queue;
  const { formula } = wordsOf(metric);
  const limits = thresholds.kept.value.value[metric];
  const counted =
    figure?.num == null || figure.den === null ? null : t.of(`${figure.num}`, `${figure.den}`);
  const parts = [
    formula,
    figure === undefined || figure.value === null ? t.absentWhy : counted,
    figure?.gap ? t.gap : null,
    figure !== undefined && figure.estimated > 0 ? t.estimated(figure.estimated) : null,
    limits === undefined
      ? null
      : t.threshold(shown(metric, limits.warn), shown(metric, limits.breach)),
  ];
  return parts.filter((part) => part !== null && part !== "").join(messages.value.separator);
}

function Before({ yesterday, lastWeek }: { yesterday: string; lastWeek: string }) {
  const t = board.value.queue;
  return (
    <small class="before">
      <span title={t.yesterday}>
        {t.yesterdayShort} {yesterday}
      </span>
      <span title={t.lastWeek}>
        {t.lastWeekShort} {lastWeek}
      </span>
    </small>
  );
}
