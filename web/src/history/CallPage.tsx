import { useState } from "preact/hooks";
import { messages } from "../i18n";
import { common } from "../i18n/common";
import type { JudgedViolation, OrderView } from "../api/types";
import { may } from "../live/session";
import { duration, limit, measure } from "../model/format";
import { Icon } from "../ui/icons";
import { StrengthTag } from "../ui/parts";
import { titleText } from "../desk/ui";
import { clock, fullMoment, moment, personText, useAsk } from "./ask";
import { Evidence } from "./Evidence";
import { listPart } from "./filters";
import {
  GapMark,
  Go,
  Loading,
  outcomeText,
  PersonLink,
  queueText,
  Refusal,
  ruleText,
  seatText,
  Seconds,
} from "./parts";
import { hrefOf, place } from "./place";
import { Played } from "./Played";
import { course, drawn, type Event, spelt } from "./timeline";
import type { Story, StoryLeg } from "./types";
import { historyWords } from "./words";

/** One call: drawn, heard, and with everything that proves it. */
export function CallPage({ pbx, id }: { pbx: string; id: string }) {
  const t = historyWords.value.call;
  const { query } = place.value;
  const path = `history/calls/${encodeURIComponent(pbx)}/${encodeURIComponent(id)}`;
  const asked = useAsk<Story>(path);
  const story = asked.value;
  return (
    <div class="hx-page" data-call={`${pbx}/${id}`}>
      <p>
        <Go to="calls" query={listPart(query)}>
          ← {t.back}
        </Go>
      </p>
      <Refusal problem={asked.problem} again={asked.again} />
      {story === null && asked.problem === null && <Loading />}
      {story !== null && <StoryShown story={story} pbx={pbx} id={id} />}
    </div>
  );
}

function StoryShown({ story, pbx, id }: { story: Story; pbx: string; id: string }) {
  const t = historyWords.value.call;
  const picture = drawn(story);
  return (
    <>
      <Head story={story} pbx={pbx} id={id} />
      {story.own && <p class="hx-note">{t.ownOnly}</p>}
      {picture !== null && <Played of={picture} pbx={pbx} recordings={story.recordings} />}
      <div class="hx-columns">
        <section aria-labelledby="hx-course">
          <h3 id="hx-course">{t.course}</h3>
          <Course story={story} pbx={pbx} />
        </section>
        <div class="hx-stack">
          <Judged story={story} pbx={pbx} />
          <OrderPart story={story} />
        </div>
      </div>
      <section aria-labelledby="hx-proof">
        <h3 id="hx-proof">{t.evidence}</h3>
        <p class="faint">{t.evidenceWhy}</p>
        {story.legs.map((leg) => (
          <LegProof key={leg.leg} leg={leg} pbx={pbx} />
        ))}
      </section>
    </>
  );
}

function Head({ story, pbx, id }: { story: Story; pbx: string; id: string }) {
  const t = historyWords.value.call;
  const m = messages.value;
  const { line } = story;
  const queues = line?.visits ?? story.visits.map(({ queue }) => queue);
  const began = line?.started_at ?? story.visits[0]?.joined_at ?? story.legs[0]?.offered_at ?? null;
  return (
    <header class="hx-head">
      <h2>
        {line !== null && <Icon name={line.direction} large />}
        {line?.caller ?? story.visits[0]?.caller ?? common.value.anonymous}
        {line !== null && <span class="chip">{outcomeText(line.outcome)}</span>}
        {line === null && <span class="chip">{t.underWay}</span>}
        {line?.gap === true && <GapMark />}
        {story.held && <span class="chip">{t.held}</span>}
      </h2>
      <p class="hx-facts">
        {line !== null && <span>{m.direction[line.direction]}</span>}
        {began !== null && <span>{moment(began, pbx)}</span>}
        {queues.length > 0 && <span>{queues.map((name) => queueText(name, pbx)).join(" → ")}</span>}
        {line !== null && (
          <>
            <span>
              {t.part.wait} <Seconds of={line.wait_s} />
            </span>
            <span>
              {t.part.talk} <Seconds of={line.talk_s} />
            </span>
            <span>
              {t.part.hold} <Seconds of={line.hold_s} />
            </span>
          </>
        )}
        <span class="faint">
          {pbx} · {id}
        </span>
      </p>
    </header>
  );
}

function eventText(event: Event): string {
  const t = historyWords.value;
  const words = t.call.event[event.what];
  const by: Readonly<Record<string, string>> = t.endedBy;
  const wrap: Readonly<Record<string, string>> = t.wrapUpBy;
  const { word } = event;
  if (word === null) return words;
  if (event.what === "joined") return `${words} ${queueText(word)}`;
  const table = event.what === "ended" ? by : event.what === "wrap_up" ? wrap : null;
  return `${words} · ${table === null ? outcomeText(word) : (table[word] ?? word)}`;
}

function Course({ story, pbx }: { story: Story; pbx: string }) {
  return (
    <ol class="hx-course">
      {course(story).map((event, index) => (
        <li key={index} data-what={event.what}>
          <time title={fullMoment(event.at, pbx)}>{clock(event.at, pbx, "t")}</time>
          <span>
            {eventText(event)}
            {event.seconds !== null && <span class="faint"> {measure(event.seconds)}</span>}
          </span>
          {event.seat !== null && (
            <span class="hx-who">
              <PersonLink agent={event.agent} />{" "}
              <span class="faint">{seatText(pbx, event.seat)}</span>
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

/** Alerts and violations, in their order; a violation says what became of it. */
function Judged({ story, pbx }: { story: Story; pbx: string }) {
  const t = historyWords.value.call;
  if (story.alerts.length === 0 && story.violations.length === 0)
    return (
      <section aria-labelledby="hx-judged">
        <h3 id="hx-judged">{t.judged}</h3>
        <p class="hx-calm">
          <Icon name="calm" />
          {t.nothingBroken}
        </p>
      </section>
    );
  return (
    <section aria-labelledby="hx-judged">
      <h3 id="hx-judged">{t.judged}</h3>
      <ul class="hx-judged">
        {story.violations.map((judged) => (
          <ViolationLine key={judged.violation.id} judged={judged} pbx={pbx} />
        ))}
        {spelt(story.alerts).map((alert) => (
          <li key={alert.key} data-level={alert.level}>
            <StrengthTag
              strength={alert.level === "warning" ? "warning" : "breach"}
              word={messages.value.level[alert.level]}
            />
            <span>
              {ruleText(alert.rule)}
              {alert.value_s !== null && ` ${measure(alert.value_s)}`}
              {alert.limit_s !== null && <span class="faint"> / {limit(alert.limit_s)}</span>}{" "}
              {alert.agent !== null && personText(alert.agent)}
              {alert.notes.map((note) => (
                <span key={note.at} class="hx-sub">
                  {t.noted(personText(note.by), moment(note.at, null))} {note.note}
                </span>
              ))}
            </span>
            <time>
              {clock(alert.at, pbx)}
              {alert.ended_at !== null && `–${clock(alert.ended_at, pbx)}`}
            </time>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A violation with its appeals, and what it hangs on by opening. */
export function ViolationLine({ judged, pbx }: { judged: JudgedViolation; pbx: string }) {
  const t = historyWords.value;
  const { violation, appeals, standing } = judged;
  return (
    <li data-violation={violation.id} data-standing={standing ? "yes" : "no"}>
      {standing ? (
        <StrengthTag strength="breach" word={t.call.violation} />
      ) : (
        <span class="tag hx-excused">
          <Icon name="calm" />
          {t.call.excused}
        </span>
      )}
      <span>
        <strong>{ruleText(violation.rule)}</strong>
        {violation.value_s !== null && ` ${measure(violation.value_s)}`}
        {violation.limit_s !== null && (
          <span class="faint">
            {" "}
            {t.call.limit} {limit(violation.limit_s)}
          </span>
        )}{" "}
        {violation.agent !== null && personText(violation.agent)}
        {violation.call !== null && place.value.query.call === undefined && (
          <>
            {" "}
            <Go to="calls" query={{ call: `${violation.pbx}/${violation.call}` }}>
              {t.call.openCall}
            </Go>
          </>
        )}
        {appeals.map((appeal) => (
          <span key={appeal.id} class="hx-sub">
            <span class="chip">{common.value.appealStatus[appeal.status]}</span> {appeal.reason}
            {appeal.decided_by !== null && (
              <span class="faint">
                {" "}
                {t.call.decided(personText(appeal.decided_by))} {appeal.decision}
              </span>
            )}
          </span>
        ))}
        {violation.evidence.length > 0 && (
          <details>
            <summary>{t.call.evidenceOf(violation.evidence.length)}</summary>
            <Evidence lines={violation.evidence} pbx={pbx} />
          </details>
        )}
      </span>
      <time title={fullMoment(violation.at, pbx)}>{moment(violation.at, pbx)}</time>
    </li>
  );
}

function OrderPart({ story }: { story: Story }) {
  const t = historyWords.value.call;
  const { order } = story;
  const path = order === null || !may("orders.read") ? null : `orders/${encodeURIComponent(order)}`;
  const asked = useAsk<OrderView>(path);
  const found = asked.value;
  return (
    <section aria-labelledby="hx-order">
      <h3 id="hx-order">{t.order}</h3>
      {order === null ? (
        <p class="faint">{t.noOrder}</p>
      ) : (
        <p class="hx-order">
          <Icon name="order" />
          {may("orders.read") ? (
            <Go to="orders" query={{ id: order }}>
              {found === null ? order : titleText(found)}
            </Go>
          ) : (
            order
          )}
          {found !== null && <span class="chip">{common.value.orderState[found.state]}</span>}
          {found?.overdue === true && <StrengthTag strength="breach" word={t.overdue} />}
        </p>
      )}
      {asked.problem !== null && asked.problem.status !== 404 && (
        <Refusal problem={asked.problem} />
      )}
      {story.contacts.map((contact) => (
        <p key={`${contact.order} ${contact.leg}`} class="hx-sub">
          {(common.value.contact as Readonly<Record<string, string>>)[contact.kind] ?? contact.kind}{" "}
          {may("orders.read") ? (
            <a class="link" href={hrefOf("orders", { id: contact.order })}>
              {contact.order}
            </a>
          ) : (
            contact.order
          )}
        </p>
      ))}
    </section>
  );
}

/** What proves a leg, event by event, by opening. */
function LegProof({ leg, pbx }: { leg: StoryLeg; pbx: string }) {
  const t = historyWords.value;
  const by: Readonly<Record<string, string>> = t.endedBy;
  const [open, setOpen] = useState(false);
  return (
    <details class="hx-leg" data-leg={leg.leg} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>
        {leg.agent === null ? t.nobody : personText(leg.agent)}{" "}
        <span class="faint">{leg.seat}</span> · {outcomeText(leg.outcome)}
        {leg.ended_by !== null && ` · ${by[leg.ended_by] ?? leg.ended_by}`}
        {leg.talk_s !== null && ` · ${duration(leg.talk_s)}`} {leg.gap && <GapMark />}
        {leg.estimated && <span class="chip">{t.estimatedMark}</span>}
        <span class="faint"> {t.call.events(leg.evidence.length)}</span>
      </summary>
      {open &&
        (leg.evidence.length === 0 ? (
          <p class="faint">{t.call.noEvidence}</p>
        ) : (
          <Evidence lines={leg.evidence} pbx={pbx} />
        ))}
    </details>
  );
}
