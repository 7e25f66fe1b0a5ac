import type { CallLeg, Figures, JudgedViolation } from "../api/types";
import { messages } from "../i18n";
import { common } from "../i18n/common";
import { duration, limit, measure, percent } from "../model/format";
import { Figure } from "../ui/parts";
import { queueLabel } from "../ui/words";
import { calls, figures, loadMoreViolations, moreViolations, violations } from "./ownday";
import { recordingUrl } from "./OrderMore";
import { openOrder } from "./state";
import { dialog, exactMoment, moment, numberText, show } from "./ui";
import { deskWords } from "./words";

/** The own day: figures, calls with their recordings, violations with a fair hearing. */
export function Mine() {
  return (
    <main class="mine">
      <FiguresPart />
      <Violations />
      <Calls />
    </main>
  );
}

function FiguresPart() {
  const t = deskWords.value.mine;
  const found = figures.value;
  if (found === null) return <p class="starting">{common.value.loading}</p>;
  return (
    <section class="mine-figures" aria-labelledby="figures-heading">
      <h2 id="figures-heading">
        {t.figures} <span class="faint">{t.since(moment(found.since_at, null))}</span>
      </h2>
      <ul>
        {rows(found).map(([name, value, why]) => (
          <li key={name}>
            <Figure name={name} why={why}>
              <strong>{value}</strong>
              <span>{name}</span>
            </Figure>
          </li>
        ))}
      </ul>
    </section>
  );
}

function rows(found: Figures): readonly (readonly [name: string, value: string, why: string])[] {
  const t = deskWords.value.mine;
  const share =
    found.within_rings_of === 0 ? "–" : `${percent(found.within_rings / found.within_rings_of)}%`;
  return [
    [t.answered, `${found.answered}`, t.answeredWhy],
    [t.outbound, `${found.outbound}`, t.outboundWhy],
    [t.withinRings, share, t.withinRingsWhy(found.within_rings_of)],
    [t.aht, found.aht_s === null ? "–" : duration(found.aht_s), t.ahtWhy],
    [t.talk, duration(found.talk_s), t.talkWhy],
    [t.hold, duration(found.hold_s), t.holdWhy],
    [t.owed, `${found.orders_owed}`, t.owedWhy],
    [
      t.violations,
      `${found.violations}`,
      `${t.violationsWhy} · ${t.pending(found.appeals_pending)}`,
    ],
  ];
}

function Violations() {
  const t = deskWords.value.mine;
  const found = violations.value;
  if (found === null) return null;
  return (
    <section aria-labelledby="violations-heading">
      <h2 id="violations-heading">{t.violationsHeading}</h2>
      {found.length === 0 && <p class="nothing">{t.violationsNone}</p>}
      <ul class="violations">
        {found.map((judged) => (
          <Judged key={judged.violation.id} judged={judged} />
        ))}
      </ul>
      {moreViolations.value !== null && (
        <button type="button" class="button" onClick={() => void loadMoreViolations()}>
          {t.loadMore}
        </button>
      )}
    </section>
  );
}

function Judged({ judged }: { judged: JudgedViolation }) {
  const t = deskWords.value.mine;
  const c = common.value;
  const { violation, appeals, standing } = judged;
  const open = standing && appeals.every(({ status }) => status !== "pending");
  return (
    <li class="violation" data-violation={violation.id} data-standing={standing ? "yes" : "no"}>
      <div class="violation-top">
        <strong>{messages.value.rule[violation.rule]}</strong>
        <time>{moment(violation.at, violation.pbx)}</time>
        {violation.value_s !== null && violation.limit_s !== null && (
          <span>{t.measured(measure(violation.value_s), limit(violation.limit_s))}</span>
        )}
        <span class="chip">{standing ? t.standing : t.withdrawn}</span>
        <span class="violation-actions">
          {judged.order !== null && <OpenOrder id={judged.order} />}
          {open && (
            <button
              type="button"
              class="button"
              onClick={() => {
                dialog.value = { is: "appeal", violation: judged };
              }}
            >
              {t.appeal}
            </button>
          )}
        </span>
      </div>
      {appeals.map((appeal) => (
        <p key={appeal.id} class="violation-appeal">
          <span class="chip">{c.appealStatus[appeal.status]}</span>{" "}
          {appeal.exception === null ? appeal.reason : c.exception[appeal.exception]}
          {appeal.status !== "pending" && (
            <span class="faint">
              {" · "}
              {appeal.decided_by === null
                ? t.preApproved
                : t.decidedBy(appeal.decided_by, moment(appeal.decided_at ?? appeal.at, null))}
              {appeal.decision !== "" && ` · ${appeal.decision}`}
            </span>
          )}
        </p>
      ))}
      {violation.evidence.length > 0 && (
        <details>
          <summary>{t.evidence}</summary>
          <ol class="lines">
            {violation.evidence.map((line) => (
              <Evidence key={line} line={line} pbx={violation.pbx} />
            ))}
          </ol>
        </details>
      )}
    </li>
  );
}

/** `BridgeLeave PJSIP/8006 1700000000.123456` as a time and a word. */
function Evidence({ line, pbx }: { line: string; pbx: string }) {
  const parts = /^(.*?) (\d{9,}(?:\.\d+)?)$/.exec(line);
  const what = parts?.[1] ?? line;
  const at = parts === null ? null : Number(parts[2]);
  return (
    <li>
      {at !== null && <time title={parts?.[2]}>{exactMoment(at, pbx)}</time>}
      <span>
        {evidenceWord(what)} <span class="faint">{what}</span>
      </span>
    </li>
  );
}

function evidenceWord(what: string): string {
  const words: Readonly<Record<string, string>> = deskWords.value.mine.evidenceOf;
  return words[what.replaceAll(" ", "_")] ?? words[what.split(" ")[0] ?? ""] ?? "";
}

function OpenOrder({ id }: { id: string }) {
  const t = deskWords.value.mine;
  return (
    <button
      type="button"
      class="button"
      onClick={() => {
        show("work");
        void openOrder(id);
      }}
    >
      {t.open}
    </button>
  );
}

function Calls() {
  const t = deskWords.value.mine;
  const found = calls.value;
  if (found === null) return null;
  if (found.length === 0)
    return (
      <section>
        <h2>{t.calls}</h2>
        <p class="nothing">{t.callsNone}</p>
      </section>
    );
  return (
    <section aria-labelledby="calls-heading">
      <h2 id="calls-heading">{t.calls}</h2>
      <div class="table-box">
        <table class="calls">
          <thead>
            <tr>
              <th>{t.time}</th>
              <th>{t.number}</th>
              <th>{t.queue}</th>
              <th class="num">{t.talked}</th>
              <th class="num">{t.held}</th>
              <th>{t.outcome}</th>
              <th>{t.order}</th>
              <th>{t.recording}</th>
            </tr>
          </thead>
          <tbody>
            {found.map((leg) => (
              <Call key={leg.leg} leg={leg} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Call({ leg }: { leg: CallLeg }) {
  const t = deskWords.value.mine;
  const outcomes: Readonly<Record<string, string>> = t.outcomes;
  const enders: Readonly<Record<string, string>> = t.endedBy;
  const ender = leg.ended_by === null ? null : (enders[leg.ended_by] ?? leg.ended_by);
  return (
    <tr>
      <td>{moment(leg.answered_at ?? leg.ringing_at ?? leg.ended_at, leg.pbx)}</td>
      <td>
        {numberText(leg.caller)}{" "}
        <span class="faint">{messages.value.direction[leg.direction]}</span>
      </td>
      <td>{leg.queue === null ? "" : queueLabel(leg.pbx, leg.queue)}</td>
      <td class="num">{leg.talk_s === null ? "–" : duration(leg.talk_s)}</td>
      <td class="num">{leg.hold_s > 0 ? duration(leg.hold_s) : "–"}</td>
      <td>
        {outcomes[leg.outcome] ?? leg.outcome}
        {ender !== null && <span class="faint"> · {ender}</span>}
        {leg.gap && <span class="faint"> · {t.gap}</span>}
      </td>
      <td>{leg.order === null ? "–" : <OpenOrder id={leg.order} />}</td>
      <td>
        {leg.recordings.length === 0 ? (
          <span class="faint">{t.noRecording}</span>
        ) : (
          leg.recordings.map(({ id }) => (
            <audio key={id} controls preload="none" src={recordingUrl(id)} />
          ))
        )}
      </td>
    </tr>
  );
}
