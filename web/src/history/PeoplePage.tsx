import { useState } from "preact/hooks";
import { items } from "../api/client";
import type { JudgedViolation, Page } from "../api/types";
import { pauseText } from "../live/form";
import { labelText } from "../live/problem";
import { may } from "../live/session";
import { store } from "../live/store";
import { duration } from "../model/format";
import { Figure } from "../ui/parts";
import { nowAt, offset, people, personText, today, useAsk, usePages } from "./ask";
import { ViolationLine } from "./CallPage";
import { CallTable } from "./CallsPage";
import { Files, GapMark, Go, Loading, Refusal, seatText } from "./parts";
import { PeriodForm, usePeriod } from "./Period";
import type { Period } from "./period";
import { hrefOf, place } from "./place";
import { Hours, stateText, StripDrawn } from "./Strip";
import { signedIn, strips, totals, working, type Strip } from "./strip";
import { metricValue, together, valueOf } from "./sums";
import { gapsWithin } from "./timeline";
import type { CallLine, Gap, Intervals, Metric, Spans } from "./types";
import { historyWords } from "./words";
import { inputOf } from "./zone";

const AGAIN_S = 30;

/** A person's shift, or a seat's; without either, whom to look at. */
export function PeoplePage() {
  const { query } = place.value;
  if (query.login !== undefined) return <Shift key={query.login} of={{ login: query.login }} />;
  const cut = query.seat?.indexOf("/") ?? -1;
  if (query.seat !== undefined && cut > 0) {
    const [pbx, seat] = [query.seat.slice(0, cut), query.seat.slice(cut + 1)];
    return <Shift key={query.seat} of={{ pbx, seat }} />;
  }
  return <Choose />;
}

type Who = { readonly login: string } | { readonly pbx: string; readonly seat: string };

function pathOf(of: Who): string {
  return "login" in of
    ? `history/people/${encodeURIComponent(of.login)}/spans`
    : `history/seats/${encodeURIComponent(of.pbx)}/${of.seat.split("/").map(encodeURIComponent).join("/")}/spans`;
}

function Shift({ of }: { of: Who }) {
  const t = historyWords.value.people;
  const period = usePeriod();
  const { from, to } = period;
  const goesOn = to > nowAt();
  const path = pathOf(of);
  const asked = useAsk<Spans>(path, { from, to }, goesOn ? AGAIN_S : 0);
  const found = asked.value === null ? [] : strips(asked.value.items, from, to, nowAt());
  const name = "login" in of ? personText(of.login) : seatText(of.pbx, of.seat);
  return (
    <div class="hx-page">
      <header class="hx-head">
        <h2>{name}</h2>
        <Go to="people" query={{ date: place.value.query.date }}>
          {t.others}
        </Go>
        {asked.value !== null && (
          <Files csv={`${path}.csv`} xlsx={`${path}.xlsx`} query={{ from, to }} />
        )}
      </header>
      <PeriodForm page="people" now={period} />
      <Refusal problem={asked.problem} again={asked.again} />
      {asked.value === null && asked.problem === null && <Loading />}
      {asked.value !== null && found.length === 0 && <p class="hx-empty">{t.nothing}</p>}
      {found.length > 0 && (
        <States
          found={found}
          gaps={asked.value?.gaps ?? []}
          period={period}
          person={"login" in of}
        />
      )}
      <Figures of={of} period={period} />
      {"login" in of && may("violations.read") && <Violations login={of.login} period={period} />}
      <Calls of={of} period={period} />
    </div>
  );
}

/** The strips, what they add up to, and one line per hour by opening. */
function States({
  found,
  gaps,
  period,
  person,
}: {
  found: readonly Strip[];
  gaps: readonly Gap[];
  period: Period;
  person: boolean;
}) {
  const t = historyWords.value.people;
  const [whole, setWhole] = useState(false);
  const busy = working(found);
  // A day is mostly night: what is drawn begins and ends with the work, unless hours were asked for.
  const cut = busy !== null && period.begins === "" && !whole;
  const from = cut ? Math.max(period.from, Math.floor(busy[0] / 900) * 900) : period.from;
  const to = cut ? Math.min(period.to, Math.ceil(busy[1] / 900) * 900) : period.to;
  const sums = totals(found);
  const marked = sums.some(({ state }) => state === "gap") || gaps.length > 0;
  const unheard = (pbx: string) =>
    gapsWithin(
      gaps.filter((gap) => gap.pbx === pbx),
      from,
      Math.min(to, nowAt()),
    );
  return (
    <section aria-labelledby="hx-states">
      <h3 id="hx-states">
        {t.states} {marked && <GapMark />}
        {busy !== null && period.begins === "" && (
          <button type="button" class="button" data-kind="quiet" onClick={() => setWhole(!whole)}>
            {whole ? t.onlyWork : t.wholeDay}
          </button>
        )}
      </h3>
      {found.map((strip) => (
        <div key={`${strip.pbx}/${strip.seat}`}>
          <p class="hx-strip-name">
            {person ? (
              <Go
                to="people"
                query={{ ...place.value.query, login: null, seat: `${strip.pbx}/${strip.seat}` }}
              >
                {t.atSeat(seatText(strip.pbx, strip.seat))}
              </Go>
            ) : (
              <SatThere strip={strip} />
            )}
          </p>
          <StripDrawn
            of={strip}
            gaps={unheard(strip.pbx)}
            from={from}
            to={to}
            label={t.drawing(seatText(strip.pbx, strip.seat))}
          />
          <details class="hx-by-hour" open={to - from <= 4 * 3600}>
            <summary>{t.byHour}</summary>
            <Hours of={strip} gaps={unheard(strip.pbx)} from={from} to={to} label={t.byHour} />
          </details>
        </div>
      ))}
      <ul class="hx-totals">
        <li data-state="signed_in">
          <span>{t.signedIn}</span>
          <strong>{duration(signedIn(found))}</strong>
        </li>
        {sums.map(({ state, reason, seconds, times }) => (
          <li key={`${state} ${reason ?? ""}`} data-state={state}>
            <span>
              <span class="hx-swatch" data-kind={state} aria-hidden="true" />
              {stateText(state)}
              {reason !== null && reason !== "" && ` (${pauseText(reason)})`}
            </span>
            <strong>{duration(seconds)}</strong>
            <span class="faint">{t.times(times)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Three shifts on one phone are three people. */
function SatThere({ strip }: { strip: Strip }) {
  const t = historyWords.value.people;
  const agents = [...new Set(strip.pieces.flatMap(({ agent }) => agent ?? []))];
  if (agents.length === 0) return <span class="faint">{t.nobodySat}</span>;
  return (
    <>
      {t.sat}{" "}
      {agents.map((agent, index) => (
        <span key={agent}>
          {index > 0 && " · "}
          {personText(agent)}
        </span>
      ))}
    </>
  );
}

const SHOWN = [
  "legs_answered",
  "within_rings",
  "talk",
  "hold",
  "net_talk",
  "acw",
  "aht",
  "occupancy",
  "calls_per_hour",
  "dialled",
  "connected",
];

/** Figures of that time: the named sums of its quarters, by the metrics' own table. */
function Figures({ of, period }: { of: Who; period: Period }) {
  const t = historyWords.value.people;
  const [kind, name] = "login" in of ? ["person", of.login] : ["seat", `${of.pbx}/${of.seat}`];
  const table = useAsk<Page<Metric>>("metrics");
  const rows = useAsk<Intervals>("figures/intervals", {
    kind,
    name,
    from: period.from,
    to: Math.min(period.to, Math.max(period.from + 900, Math.ceil(nowAt() / 900) * 900)),
  });
  // agentd knows the calls behind figures of its own windows only.
  const live = period.date === today() && period.begins === "";
  const problem = table.problem ?? rows.problem;
  if (problem !== null) return <Refusal problem={problem} again={rows.again} />;
  if (table.value === null || rows.value === null) return <Loading />;
  const { sums, gap } = together(rows.value.rows);
  const metrics = items(table.value).filter(
    ({ key, kinds }) =>
      kinds.includes(kind) && (SHOWN.includes(key) || key.startsWith("compliance:")),
  );
  return (
    <section aria-labelledby="hx-figures">
      <h3 id="hx-figures">
        {t.figures} {gap && <GapMark />}
      </h3>
      <ul class="hx-figures">
        {metrics.map((metric) => (
          <li key={metric.key}>
            <Figure
              name={labelText(metric.name)}
              why={labelText(metric.formula)}
              href={
                live
                  ? hrefOf("calls", { kind, name, window: "today", metric: metric.key })
                  : undefined
              }
            >
              <strong>{metricValue(metric.unit, valueOf(metric, sums))}</strong>
              <span>{labelText(metric.name)}</span>
            </Figure>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Violations({ login, period }: { login: string; period: Period }) {
  const t = historyWords.value.people;
  const { from, to } = period;
  const list = usePages<JudgedViolation>("violations", { person: login, from, to });
  return (
    <section aria-labelledby="hx-violations">
      <h3 id="hx-violations">{t.violations}</h3>
      <Refusal problem={list.problem} again={list.again} />
      {list.found?.length === 0 && <p class="hx-empty">{t.noViolations}</p>}
      <ul class="hx-judged">
        {list.found?.map((judged) => (
          <ViolationLine key={judged.violation.id} judged={judged} pbx={judged.violation.pbx} />
        ))}
      </ul>
      {list.next !== null && (
        <button type="button" class="button" onClick={list.more}>
          {historyWords.value.calls.more}
        </button>
      )}
    </section>
  );
}

function Calls({ of, period }: { of: Who; period: Period }) {
  const t = historyWords.value.people;
  const { from, to } = period;
  const narrowed = "login" in of ? { person: of.login } : { pbx: of.pbx, seat: of.seat };
  const list = usePages<CallLine>("history/calls", { ...narrowed, from, to, limit: 20 });
  return (
    <section aria-labelledby="hx-own-calls">
      <h3 id="hx-own-calls">
        {t.calls}{" "}
        <Go
          to="calls"
          query={{
            ...narrowed,
            from: inputOf(from, offset.value),
            to: inputOf(to, offset.value),
          }}
        >
          {t.inSearch}
        </Go>
      </h3>
      <Refusal problem={list.problem} again={list.again} />
      {list.found?.length === 0 && <p class="hx-empty">{t.noCalls}</p>}
      {list.found !== null && list.found.length > 0 && <CallTable lines={list.found} />}
      {list.next !== null && (
        <p class="hx-more">
          <button type="button" class="button" disabled={list.loading} onClick={list.more}>
            {historyWords.value.calls.more}
          </button>
        </p>
      )}
    </section>
  );
}

/** Who there is: people of one's scope, and seats of the board. */
function Choose() {
  const t = historyWords.value.people;
  const date = place.value.query.date;
  const [typed, setTyped] = useState("");
  const has = (text: string) => text.toLowerCase().includes(typed.trim().toLowerCase());
  const shown = people.value.filter(({ login }) => has(personText(login)));
  const groups = store.seatGroups.value.map((group) => ({
    name: group.name,
    seats: group.seats
      .flatMap((key) => store.seat(key) ?? [])
      .filter(({ label, seat }) => has(label) || has(seat)),
  }));
  return (
    <div class="hx-page">
      <header class="hx-head">
        <h2>{t.title}</h2>
      </header>
      <div class="field hx-find">
        <label for="hx-find">{t.find}</label>
        <input
          id="hx-find"
          type="search"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </div>
      <section aria-labelledby="hx-people">
        <h3 id="hx-people">{t.peopleHeading}</h3>
        {shown.length === 0 && <p class="hx-empty">{t.nobodyFound}</p>}
        <ul class="hx-names">
          {shown.map(({ login }) => (
            <li key={login}>
              <Go to="people" query={{ login, date }}>
                {personText(login)}
              </Go>
            </li>
          ))}
        </ul>
      </section>
      <section aria-labelledby="hx-seats-heading">
        <h3 id="hx-seats-heading">{t.seatsHeading}</h3>
        {groups.map(({ name, seats }) => (
          <div key={name} class="hx-seat-group">
            {name !== "" && <h4>{name}</h4>}
            <ul class="hx-names">
              {seats.map((seat) => (
                <li key={`${seat.pbx}/${seat.seat}`}>
                  <Go to="people" query={{ seat: `${seat.pbx}/${seat.seat}`, date }}>
                    {seat.label}
                  </Go>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </section>
    </div>
  );
}
