import { common } from "../i18n/common";
import { moment, offset, usePages } from "./ask";
import { atOf } from "./filters";
import {
  Files,
  GapMark,
  Go,
  Loading,
  outcomeText,
  PersonLink,
  queueText,
  Refusal,
  Seconds,
  seatText,
} from "./parts";
import { go, place, type Query } from "./place";
import type { Visit } from "./types";
import { historyWords } from "./words";

const OUTCOMES = ["answered", "abandoned", "let_go", "moved", "unknown"] as const;

/** As GET /api/history/visits takes it. */
function asked(query: Query, offset_s: number) {
  return {
    queue: query.queue ?? "",
    pbx: query.pbx ?? "",
    outcome: query.outcome ?? "",
    from: atOf(query.from ?? "", offset_s),
    to: atOf(query.to ?? "", offset_s),
  };
}

/** Stays of callers in a queue, counted like its day: at the moment when they joined. */
export function Stays() {
  const t = historyWords.value;
  const { query } = place.value;
  const question = asked(query, offset.value);
  const list = usePages<Visit>("history/visits", question);
  const { from, to } = question;
  return (
    <div class="hx-page">
      <header class="hx-head">
        <h2>
          {t.stays.title} {query.queue !== undefined && <span>{queueText(query.queue)}</span>}
        </h2>
        <p class="hx-facts">
          {from !== null && to !== null && (
            <span>{`${moment(from, null)}–${moment(to, null)}`}</span>
          )}
          <span>{t.stays.counted}</span>
        </p>
      </header>
      <div class="hx-filter-row" role="group" aria-label={t.calls.outcome}>
        {["", ...OUTCOMES].map((one) => (
          <button
            key={one}
            type="button"
            class="button"
            aria-pressed={(query.outcome ?? "") === one}
            onClick={() => go("calls", { ...query, outcome: one })}
          >
            {one === "" ? t.all : outcomeText(one)}
          </button>
        ))}
        <Go to="calls" query={{ ...query, list: null, outcome: null }}>
          {t.stays.asCalls}
        </Go>
      </div>
      <Refusal problem={list.problem} again={list.again} />
      {list.found === null && list.problem === null && <Loading />}
      {list.found !== null && (
        <section aria-label={t.calls.results}>
          <div class="hx-results-top">
            <p class="hx-count" role="status">
              {list.found.length === 0
                ? t.stays.none
                : t.stays.found(list.found.length, list.next !== null)}
            </p>
            <Files csv="history/visits.csv" xlsx="history/visits.xlsx" query={question} />
          </div>
          {list.found.length > 0 && <Table found={list.found} />}
          {list.next !== null && (
            <p class="hx-more">
              <button type="button" class="button" disabled={list.loading} onClick={list.more}>
                {t.calls.more}
              </button>
            </p>
          )}
        </section>
      )}
    </div>
  );
}

function Table({ found }: { found: readonly Visit[] }) {
  const t = historyWords.value;
  const { query } = place.value;
  return (
    <table class="hx-table hx-calls hx-stays">
      <thead>
        <tr>
          <th scope="col">{t.stays.joined}</th>
          <th scope="col">{t.calls.number}</th>
          <th scope="col">{t.calls.queue}</th>
          <th scope="col">{t.calls.person}</th>
          <th scope="col">{t.calls.outcome}</th>
          <th scope="col" class="hx-num">
            {t.calls.wait}
          </th>
        </tr>
      </thead>
      <tbody>
        {found.map((stay) => {
          const id = `${stay.pbx}/${stay.call}`;
          const number = stay.caller ?? common.value.anonymous;
          return (
            <tr key={`${id} ${stay.joined_at}`} data-call={id} data-outcome={stay.outcome}>
              <th scope="row">
                <Go
                  to="calls"
                  query={{ ...query, call: id }}
                  class="hx-row-link"
                  label={t.calls.open(moment(stay.joined_at, stay.pbx), number)}
                >
                  {moment(stay.joined_at, stay.pbx)}
                </Go>
              </th>
              <td>{number}</td>
              <td>{queueText(stay.queue, stay.pbx)}</td>
              <td>
                {stay.seat !== null && (
                  <>
                    <PersonLink agent={stay.agent} />{" "}
                    <span class="faint">{seatText(stay.pbx, stay.seat)}</span>
                  </>
                )}
              </td>
              <td>
                {outcomeText(stay.outcome)}{" "}
                {(stay.gap || stay.estimated) && <GapMark estimated={stay.estimated ? 1 : 0} />}
              </td>
              <td class="hx-num" data-label={t.calls.wait}>
                <Seconds of={stay.wait_s} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
