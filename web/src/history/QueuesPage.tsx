import { store } from "../live/store";
import { duration } from "../model/format";
import { Figure } from "../ui/parts";
import { clock, nowAt, offset, useAsk } from "./ask";
import { lazily } from "./lazy";
import { Files, GapMark, Go, Loading, queueText, Refusal, Scroll } from "./parts";
import { PeriodForm, usePeriod } from "./Period";
import { hrefOf, place } from "./place";
import { busyPart, connectRate, level, meanWait, QUARTER_S, quarters, summed } from "./queueday";
import { metricValue } from "./sums";
import { gapsWithin } from "./timeline";
import type { Quarter, QueueDay } from "./types";
import { historyWords } from "./words";
import { inputOf } from "./zone";

const AGAIN_S = 30;

/** A queue's day; without a name, which queues there are. */
export function QueuesPage() {
  const { name } = place.value.query;
  return name === undefined ? <Choose /> : <Day key={name} name={name} />;
}

function Choose() {
  const t = historyWords.value.queues;
  const date = place.value.query.date;
  const several = store.pbxKeys.value.length > 1;
  const queues = store.queueKeys.value.flatMap((key) => store.queue(key) ?? []);
  return (
    <div class="hx-page">
      <header class="hx-head">
        <h2>{t.title}</h2>
      </header>
      {!store.loaded.value && <Loading />}
      {store.loaded.value && queues.length === 0 && <p class="hx-empty">{t.none}</p>}
      <ul class="hx-names">
        {queues.map((queue) => (
          <li key={`${queue.pbx}/${queue.name}`}>
            <Go to="queues" query={{ name: queue.name, pbx: several ? queue.pbx : null, date }}>
              {queue.label}
              {several && ` · ${queue.pbx}`}
            </Go>
          </li>
        ))}
      </ul>
    </div>
  );
}

const Chart = lazily(() => import("./Chart").then((part) => part.Chart));

function Day({ name }: { name: string }) {
  const t = historyWords.value.queues;
  const { query } = place.value;
  const period = usePeriod();
  const pbx = query.pbx ?? null;
  const path = `history/queues/${encodeURIComponent(name)}/day`;
  const asking = { date: period.date, pbx };
  const goesOn = period.to > nowAt();
  const asked = useAsk<QueueDay>(path, asking, goesOn ? AGAIN_S : 0);
  const day = asked.value;
  const label = queueText(name, pbx);
  return (
    <div class="hx-page">
      <header class="hx-head">
        <h2>{label}</h2>
        <Go to="queues" query={{ date: query.date }}>
          {t.others}
        </Go>
        {day !== null && <Files csv={`${path}.csv`} xlsx={`${path}.xlsx`} query={asking} />}
      </header>
      <PeriodForm page="queues" now={period} />
      <Refusal problem={asked.problem} again={asked.again} />
      {day === null && asked.problem === null && <Loading />}
      {day !== null && <DayShown day={day} period={period} name={name} pbx={pbx} label={label} />}
    </div>
  );
}

interface DayProps {
  readonly day: QueueDay;
  readonly period: { readonly begins: string; readonly from: number; readonly to: number };
  readonly name: string;
  readonly pbx: string | null;
  readonly label: string;
}

function DayShown({ day, period, name, pbx, label }: DayProps) {
  const t = historyWords.value.queues;
  const part = period.begins === "" ? busyPart(day, nowAt()) : period;
  // What has not come yet is no zero.
  const until = Math.min(part.to, Math.max(part.from + QUARTER_S, nowAt()));
  const all = quarters(day, part.from, until);
  const total = summed(all);
  const gaps = gapsWithin(day.gaps, part.from, until);
  return (
    <>
      <Totals
        total={total}
        gap={gaps.length > 0 || total.gap}
        stays={{
          list: "stays",
          queue: name,
          pbx,
          from: `${all[0]?.at ?? part.from}`,
          to: `${(all.at(-1)?.at ?? until) + QUARTER_S}`,
        }}
      />
      <Chart quarters={all} gaps={gaps} label={t.drawing(label)} />
      {gaps.length > 0 && (
        <p class="hx-note">
          <GapMark />{" "}
          {gaps.map(({ from, to }) => `${clock(from, pbx)}–${clock(to, pbx)}`).join(" · ")}
        </p>
      )}
      <Scroll label={t.table}>
        <Table all={all} total={total} name={name} pbx={pbx} />
      </Scroll>
    </>
  );
}

function share(value: number | null): string {
  return metricValue("share", value);
}

interface TotalsProps {
  readonly total: Quarter;
  readonly gap: boolean;
  /** Where the stays of all of it are. */
  readonly stays: Readonly<Record<string, string | null>>;
}

function Totals({ total, gap, stays }: TotalsProps) {
  const t = historyWords.value.queues;
  const asa = meanWait(total);
  const rows: readonly (readonly [name: string, value: string, why: string, outcome?: string])[] = [
    [t.offered, `${total.offered}`, t.why.offered, ""],
    [t.answered, `${total.answered}`, t.why.answered, "answered"],
    [t.abandoned, `${total.abandoned}`, t.why.abandoned(total.short_abandons), "abandoned"],
    [t.letGo, `${total.let_go}`, t.why.letGo, "let_go"],
    [t.connectRate, share(connectRate(total)), t.why.connectRate],
    [t.level, share(level(total)), t.why.level],
    [t.asa, metricValue("seconds", asa), t.why.asa],
    [t.longest, duration(total.longest_s), t.why.longest],
  ];
  return (
    <section aria-label={t.totals}>
      <ul class="hx-figures">
        {rows.map(([name, value, why, outcome]) => (
          <li key={name}>
            <Figure
              name={name}
              why={why}
              href={outcome === undefined ? undefined : hrefOf("calls", { ...stays, outcome })}
            >
              <strong>{value}</strong>
              <span>{name}</span>
            </Figure>
          </li>
        ))}
        {(gap || total.estimated > 0) && (
          <li class="hx-figures-mark">
            <GapMark estimated={total.estimated} />
          </li>
        )}
      </ul>
    </section>
  );
}

interface TableProps {
  readonly all: readonly Quarter[];
  readonly total: Quarter;
  readonly name: string;
  readonly pbx: string | null;
}

function Table({ all, total, name, pbx }: TableProps) {
  const t = historyWords.value.queues;
  const head = [
    t.offered,
    t.answered,
    t.within,
    t.abandoned,
    t.short,
    t.letGo,
    t.moved,
    t.connectRate,
    t.level,
    t.asa,
    t.longest,
  ];
  return (
    <table class="hx-table hx-day">
      <thead>
        <tr>
          <th scope="col">{t.time}</th>
          {head.map((text) => (
            <th key={text} scope="col" class="hx-num">
              {text}
            </th>
          ))}
          <th scope="col">
            <span class="unseen">{historyWords.value.gap}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {all.map((quarter) => (
          <tr
            key={quarter.at}
            data-at={quarter.at}
            data-empty={quarter.offered === 0 ? "yes" : "no"}
          >
            <th scope="row">{clock(quarter.at, null, "m")}</th>
            <Cells of={quarter} name={name} pbx={pbx} />
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{t.sum}</th>
          <Cells of={total} />
        </tr>
      </tfoot>
    </table>
  );
}

/** Numbers of a quarter; those that are made of stays of one kind open them. */
function Cells({ of, name, pbx }: { of: Quarter; name?: string; pbx?: string | null }) {
  const t = historyWords.value.queues;
  const asa = meanWait(of);
  const counts: readonly (readonly [count: number, outcome: string | null, word: string])[] = [
    [of.offered, "", t.offered],
    [of.answered, "answered", t.answered],
    [of.within_limit, null, t.within],
    [of.abandoned, "abandoned", t.abandoned],
    [of.short_abandons, null, t.short],
    [of.let_go, "let_go", t.letGo],
    [of.moved, "moved", t.moved],
  ];
  return (
    <>
      {counts.map(([count, outcome, word]) => (
        <td key={word} class="hx-num" data-zero={count === 0 ? "yes" : "no"}>
          {count === 0 || outcome === null || name === undefined ? (
            count
          ) : (
            <Go
              to="calls"
              query={{
                list: "stays",
                queue: name,
                pbx: pbx ?? null,
                outcome,
                from: inputOf(of.at, offset.value),
                to: inputOf(of.at + QUARTER_S, offset.value),
              }}
              label={t.staysOf(word, clock(of.at, null, "m"), count)}
            >
              {count}
            </Go>
          )}
        </td>
      ))}
      <td class="hx-num">{share(connectRate(of))}</td>
      <td class="hx-num">{share(level(of))}</td>
      <td class="hx-num">{metricValue("seconds", asa)}</td>
      <td class="hx-num">{of.offered === 0 ? "–" : duration(of.longest_s)}</td>
      <td>{(of.gap || of.estimated > 0) && <GapMark estimated={of.estimated} />}</td>
    </>
  );
}
