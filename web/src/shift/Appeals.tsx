import { useEffect } from "preact/hooks";
import type { Appeal, JudgedViolation } from "../api/types";
import { moment } from "../desk/ui";
import { messages } from "../i18n";
import { common } from "../i18n/common";
import { limit, measure } from "../model/format";
import { Icon } from "../ui/icons";
import { queueLabel } from "../ui/words";
import { chosen, isOwn, loadRecent, pending, recent, selected, toggle, toggleAll } from "./appeals";
import { OrderPanel } from "./OrderPanel";
import { Evidence, RefusalLine } from "./parts";
import { cursor, inbox, open, opened, personText, teamShown } from "./state";
import { dialog } from "./ui";
import { shiftWords } from "./words";

export function Appeals() {
  const t = shiftWords.value.appeals;
  const team = teamShown.value;
  useEffect(() => {
    void loadRecent();
  }, [team]);
  const waiting = pending.value;
  return (
    <main class="sl-split sl-appeals" data-open={opened.value === null ? "no" : "yes"}>
      <div class="sl-list sl-page">
        <RefusalLine />
        <header class="sl-page-top">
          <h2>
            {t.heading} <span class="count">{waiting.length}</span>
          </h2>
          <button
            type="button"
            class="button"
            onClick={() => {
              dialog.value = { is: "window" };
            }}
          >
            {t.window}
          </button>
        </header>
        {inbox.value === null && <p class="starting">{common.value.loading}</p>}
        {inbox.value !== null && waiting.length === 0 && (
          <div class="sl-quiet">
            <Icon name="calm" large />
            <p>{t.none}</p>
            <p class="faint">{t.noneWhy}</p>
          </div>
        )}
        {waiting.length > 0 && <Bar />}
        <ul class="violations">
          {waiting.map((judged) => (
            <Case key={judged.violation.id} judged={judged} />
          ))}
        </ul>
        <Recent />
      </div>
      {opened.value !== null && <OrderPanel key={opened.value} />}
    </main>
  );
}

/** What is done with everything that is selected. */
function Bar() {
  const t = shiftWords.value.appeals;
  const ids = chosen.value;
  const decide = (grant: boolean) => {
    dialog.value = { is: "decide", grant, ids };
  };
  const able = pending.value.filter((judged) => !isOwn(judged)).length;
  return (
    <div class="sl-bar">
      <label class="check">
        <input
          type="checkbox"
          checked={able > 0 && ids.length === able}
          disabled={able === 0}
          onChange={toggleAll}
        />
        {ids.length === 0 ? t.selectAll : t.selected(ids.length)}
      </label>
      <button
        type="button"
        class="button"
        data-act="grant"
        disabled={ids.length === 0}
        onClick={() => decide(true)}
      >
        {t.grant} <kbd>Shift+A</kbd>
      </button>
      <button
        type="button"
        class="button"
        data-act="refuse"
        disabled={ids.length === 0}
        onClick={() => decide(false)}
      >
        {t.refuse} <kbd>Shift+R</kbd>
      </button>
    </div>
  );
}

/** The rule and who it is about. */
export function caseName(judged: JudgedViolation): string {
  const { violation, owner } = judged;
  return `${messages.value.rule[violation.rule]} · ${personText(owner) || violation.agent || "–"}`;
}

function Case({ judged }: { judged: JudgedViolation }) {
  const t = shiftWords.value.appeals;
  const { violation, appeals } = judged;
  const own = isOwn(judged);
  return (
    <li
      class="violation sl-case"
      data-row={violation.id}
      data-cursor={cursor.value === violation.id ? "yes" : "no"}
    >
      <div class="violation-top">
        <input
          type="checkbox"
          data-row-main
          aria-label={t.select(caseName(judged))}
          checked={selected.value.has(violation.id) && !own}
          disabled={own}
          onFocus={() => {
            cursor.value = violation.id;
          }}
          onChange={() => toggle(violation.id)}
        />
        <strong>{messages.value.rule[violation.rule]}</strong>
        <span>{personText(judged.owner) || violation.agent}</span>
        <time>{moment(violation.at, violation.pbx)}</time>
        {judged.queue !== null && (
          <span class="faint">{queueLabel(violation.pbx, judged.queue)}</span>
        )}
        <span class="violation-actions">
          {judged.order !== null && (
            <button
              type="button"
              class="button"
              onClick={() => {
                if (judged.order !== null) void open(judged.order);
              }}
            >
              {t.openOrder}
            </button>
          )}
        </span>
      </div>
      <Versions judged={judged} appeals={appeals.filter(({ status }) => status === "pending")} />
      {own && <p class="notice">{t.ownCase}</p>}
    </li>
  );
}

/** Both versions beside each other: what the PBX recorded, and what the person says. */
function Versions({ judged, appeals }: { judged: JudgedViolation; appeals: readonly Appeal[] }) {
  const t = shiftWords.value.appeals;
  const { violation } = judged;
  return (
    <div class="sl-versions">
      <section>
        <h3>{t.recorded}</h3>
        {violation.value_s !== null && violation.limit_s !== null && (
          <p>{t.measured(measure(violation.value_s), limit(violation.limit_s))}</p>
        )}
        <details open={violation.evidence.length <= 4}>
          <summary>{t.evidence}</summary>
          {violation.evidence.length === 0 ? (
            <p class="faint">{t.noEvidence}</p>
          ) : (
            <Evidence lines={violation.evidence} pbx={violation.pbx} />
          )}
        </details>
      </section>
      <section>
        <h3>{t.said}</h3>
        {appeals.map((appeal) => (
          <p key={appeal.id} class="sl-said">
            {appeal.exception === null
              ? appeal.reason
              : t.asException(common.value.exception[appeal.exception])}
            <span class="faint">
              {" "}
              {personText(appeal.by)} {moment(appeal.at, violation.pbx)}
            </span>
          </p>
        ))}
      </section>
    </div>
  );
}

/** What was decided lately: the record stays, and so does what was said against it. */
function Recent() {
  const t = shiftWords.value.appeals;
  const found = recent.value;
  if (found === null) return null;
  return (
    <section class="sl-recent" aria-labelledby="sl-recent">
      <h2 id="sl-recent">{t.recent}</h2>
      {found.length === 0 && <p class="nothing">{t.recentNone}</p>}
      <ul>
        {found.map((judged) => (
          <Decided key={judged.violation.id} judged={judged} />
        ))}
      </ul>
    </section>
  );
}

function Decided({ judged }: { judged: JudgedViolation }) {
  const t = shiftWords.value.appeals;
  const { violation, appeals, standing } = judged;
  return (
    <li class="sl-decided" data-violation={violation.id} data-standing={standing ? "yes" : "no"}>
      <p>
        <span class="chip">{standing ? t.refused : t.granted}</span>{" "}
        <strong>{caseName(judged)}</strong>{" "}
        <time class="faint">{moment(violation.at, violation.pbx)}</time>
        {violation.value_s !== null && violation.limit_s !== null && (
          <span> {t.measured(measure(violation.value_s), limit(violation.limit_s))}</span>
        )}
      </p>
      {appeals.map((appeal) => (
        <p key={appeal.id} class="sl-facts">
          <span>
            {appeal.exception === null
              ? appeal.reason
              : t.asException(common.value.exception[appeal.exception])}
          </span>
          <span>
            {appeal.decided_by === null
              ? t.preApproved
              : t.decidedBy(
                  personText(appeal.decided_by),
                  moment(appeal.decided_at ?? appeal.at, violation.pbx),
                )}
            {appeal.decision !== "" && appeal.decision !== appeal.reason && ` · ${appeal.decision}`}
          </span>
        </p>
      ))}
    </li>
  );
}
