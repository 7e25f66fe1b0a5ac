import type { Order } from "../api/types";
import { ago, moment, nowOf, numberText, titleText } from "../desk/ui";
import { messages } from "../i18n";
import { common } from "../i18n/common";
import { categoryName } from "../live/form";
import { me } from "../live/session";
import { duration } from "../model/format";
import type { Strength } from "../model/types";
import { Icon } from "../ui/icons";
import { Live, StrengthTag } from "../ui/parts";
import { queueLabel } from "../ui/words";
import { acknowledge } from "./actions";
import { Faults } from "./Faults";
import { acknowledgedAfter, type Part, type Section, wantsAcknowledging } from "./inbox";
import { unitName } from "./Life";
import { OrderPanel } from "./OrderPanel";
import { numberOf, RefusalLine, Tel, useLimit } from "./parts";
import {
  appealsWaiting,
  cursor,
  faults,
  inbox,
  open,
  opened,
  parts,
  personText,
  showTab,
  toTake,
} from "./state";
import { shiftWords } from "./words";

const STRENGTH: Readonly<Record<Section, Strength>> = {
  urgent: "urgent",
  own_service: "breach",
  forwarded: "warning",
  due: "warning",
  promised: "warning",
  returned_late: "warning",
  overdue: "breach",
  missed: "warning",
  working: "calm",
};

const FIRST_SHOWN = 8;
/** The server sends at most so many of a kind. */
const SENT = 200;

export function InboxPage() {
  const t = shiftWords.value;
  const found = parts.value;
  const urgent = found.find(({ section }) => section === "urgent");
  return (
    <main class="sl-split" data-open={opened.value === null ? "no" : "yes"}>
      <div class="sl-list" role="region" aria-label={t.inbox.list}>
        <RefusalLine />
        {inbox.value === null ? (
          <p class="starting">{common.value.loading}</p>
        ) : (
          <>
            {found.length === 0 && <Quiet />}
            {urgent !== undefined && <SectionPart part={urgent} />}
            <Errands />
            {found
              .filter((part) => part !== urgent)
              .map((part) => (
                <SectionPart key={part.section} part={part} />
              ))}
            {faults.value.length > 0 && <Faults />}
          </>
        )}
      </div>
      {opened.value === null ? <Nothing /> : <OrderPanel key={opened.value} />}
    </main>
  );
}

function Quiet() {
  const t = shiftWords.value.inbox;
  if (toTake.value.length + appealsWaiting.value + faults.value.length > 0) return null;
  return (
    <div class="sl-quiet">
      <Icon name="calm" large />
      <p>{t.quiet}</p>
      <p class="faint">{t.quietWhy}</p>
    </div>
  );
}

function Nothing() {
  const t = shiftWords.value.inbox;
  return (
    <aside class="sl-panel sl-panel-none">
      <p>{t.chooseOne}</p>
      <p class="faint">{t.chooseWhy}</p>
    </aside>
  );
}

/** What waits on other pages: nobody has to look there to find out. */
function Errands() {
  const t = shiftWords.value.inbox;
  return (
    <>
      {toTake.value.map((one) => (
        <p key={one.id} class="sl-errand">
          <Icon name="person" />
          <span>
            {one.to === me.value?.login
              ? t.handover(personText(one.by))
              : t.handoverAny(personText(one.by))}
          </span>
          <button type="button" class="button" onClick={() => showTab("handover")}>
            {t.handoverOpen}
          </button>
        </p>
      ))}
      {appealsWaiting.value > 0 && (
        <p class="sl-errand">
          <Icon name="notice" />
          <span>{t.appeals(appealsWaiting.value)}</span>
          <button type="button" class="button" onClick={() => showTab("appeals")}>
            {t.appealsOpen}
          </button>
        </p>
      )}
    </>
  );
}

function SectionPart({ part }: { part: Part }) {
  const t = shiftWords.value.inbox;
  const { section, orders } = part;
  const limit = useLimit(section === "urgent" ? orders.length : FIRST_SHOWN);
  const strength = STRENGTH[section];
  return (
    <section class="sl-section" data-section={section} aria-labelledby={`sl-${section}`}>
      <h2 id={`sl-${section}`} class="sl-section-top" data-strength={strength}>
        {strength !== "calm" && <Icon name={strength} />}
        {t.section[section]}
        <span class="count">{orders.length < SENT ? orders.length : `${SENT}+`}</span>
        <span class="sl-todo">{t.todo[section]}</span>
      </h2>
      <ul>
        {limit
          .of(orders)
          .map((order) =>
            section === "urgent" ? (
              <UrgentCard key={order.id} order={order} />
            ) : (
              <Row key={order.id} order={order} section={section} />
            ),
          )}
      </ul>
      {orders.length > FIRST_SHOWN && section !== "urgent" && (
        <button type="button" class="button sl-more" data-kind="quiet" onClick={limit.toggle}>
          {limit.all ? t.fewer : t.more(orders.length - FIRST_SHOWN)}
        </button>
      )}
    </section>
  );
}

function since(order: Order, at: number): string {
  const now = nowOf(order.pbx);
  return now === null ? "–" : duration(now - at);
}

function row(order: Order) {
  return {
    "data-row": order.id,
    "data-cursor": cursor.value === order.id ? "yes" : "no",
    "data-open": opened.value === order.id ? "yes" : "no",
  } as const;
}

/** An urgent order that nobody has acknowledged: the largest thing on the page. */
function UrgentCard({ order }: { order: Order }) {
  const t = shiftWords.value.inbox;
  const { urgent } = order;
  if (urgent === null) return null;
  return (
    <li class="sl-urgent" {...row(order)}>
      <button
        type="button"
        class="sl-urgent-main"
        data-row-main
        onFocus={() => {
          cursor.value = order.id;
        }}
        onClick={() => void open(order.id)}
      >
        <span class="sl-urgent-top">
          <StrengthTag strength="urgent" word={common.value.urgentMark} />
          <span class="sl-counting">
            <span class="faint">{t.counting}</span>{" "}
            <strong class="sl-clock">
              <Live text={() => since(order, urgent.since_at)} />
            </strong>
          </span>
        </span>
        <span class="sl-urgent-title">{titleText(order)}</span>
        <Facts order={order} />
        <ToldLine order={order} />
      </button>
      <div class="sl-urgent-acts">
        <button
          type="button"
          class="button"
          data-kind="primary"
          data-act="acknowledge"
          onClick={() => void acknowledge(order.id)}
        >
          {t.acknowledge} <kbd>A</kbd>
        </button>
        <button type="button" class="button" onClick={() => void open(order.id)}>
          {t.open} <kbd>Enter</kbd>
        </button>
      </div>
    </li>
  );
}

/** Who was told of it, how often, and when last. */
export function ToldLine({ order }: { order: Order }) {
  const t = shiftWords.value.inbox;
  const told = order.urgent?.told ?? [];
  const last = told.at(-1);
  if (last === undefined) return <span class="sl-facts">{t.toldNever}</span>;
  const reached = [...new Set(told.flatMap(({ to }) => to))];
  const words =
    reached.length === 0
      ? t.toldNobody(told.length)
      : t.told(told.length, reached.map(personText).join(messages.value.comma));
  return (
    <span class="sl-facts" data-nobody={last.how === "nobody" ? "yes" : "no"}>
      {words}
      {" · "}
      <Live text={() => t.lastTold(ago(last.at, order.pbx))} />
      {last.how === "deputy" && ` (${t.how.deputy})`}
    </span>
  );
}

function Facts({ order }: { order: Order }) {
  const t = shiftWords.value.inbox;
  return (
    <span class="sl-facts">
      <span>{numberText(numberOf(order))}</span>
      {order.category !== null && <span>{categoryName(order.category, order.queue)}</span>}
      {order.queue !== null && <span>{queueLabel(order.pbx, order.queue)}</span>}
      {order.owner !== null && <span>{t.takenBy(personText(order.owner))}</span>}
    </span>
  );
}

/** The time that the section is about: how long it waits, or how long it has left. */
function clockOf(order: Order, section: Section): string {
  const t = shiftWords.value.inbox;
  const now = nowOf(order.pbx);
  if (now === null) return "–";
  const due =
    section === "due"
      ? order.dispatch?.due_at
      : section === "promised"
        ? order.promise?.due_at
        : section === "overdue" || section === "missed"
          ? order.due_at
          : null;
  if (due != null)
    return now >= due ? t.overdueBy(duration(now - due)) : t.dueIn(duration(due - now));
  const at =
    section === "working"
      ? order.urgent?.since_at
      : section === "returned_late"
        ? order.returned?.at
        : (order.forwarded?.at ?? order.opened_at);
  return t.waited(duration(now - (at ?? order.opened_at)));
}

function Row({ order, section }: { order: Order; section: Section }) {
  const t = shiftWords.value.inbox;
  const number = numberOf(order);
  const took = acknowledgedAfter(order);
  const by = order.urgent?.acknowledged_by ?? order.forwarded?.acknowledged_by ?? null;
  const unseen = wantsAcknowledging(order);
  return (
    <li class="sl-row" data-unseen={unseen ? "yes" : "no"} {...row(order)}>
      <button
        type="button"
        class="sl-row-main"
        data-row-main
        onFocus={() => {
          cursor.value = order.id;
        }}
        onClick={() => void open(order.id)}
      >
        <span class="sl-row-top">
          <span class="sl-row-title">{titleText(order)}</span>
          <span class="sl-row-clock">
            <Live text={() => clockOf(order, section)} />
          </span>
        </span>
        <span class="sl-facts">
          {section !== "forwarded" && section !== "missed" && (
            <span>{common.value.orderState[order.state]}</span>
          )}
          <span>{numberText(number)}</span>
          {order.category !== null && <span>{categoryName(order.category, order.queue)}</span>}
          {order.owner !== null && <span>{personText(order.owner)}</span>}
          {order.folded > 0 && <span>{t.folded(order.folded + 1)}</span>}
          {section === "missed" && <span>{moment(order.opened_at, order.pbx)}</span>}
          {section === "due" && order.dispatch !== null && (
            <>
              <span>{unitName(order.dispatch.unit)}</span>
              {order.dispatch.urged.length > 0 && (
                <span>{t.urged(order.dispatch.urged.length)}</span>
              )}
            </>
          )}
          {section === "promised" && <span>{order.promise?.text}</span>}
          {took !== null && by !== null && (section === "working" || section === "forwarded") && (
            <span>{t.acknowledgedIn(personText(by), duration(took))}</span>
          )}
        </span>
      </button>
      {section === "missed" && number !== null && (
        <span class="sl-row-acts">
          <Tel number={number} />
        </span>
      )}
      {unseen && (
        <span class="sl-row-acts">
          <button
            type="button"
            class="button"
            data-act="acknowledge"
            title={t.unseen}
            onClick={() => void acknowledge(order.id)}
          >
            {t.acknowledge} <kbd>A</kbd>
          </button>
        </span>
      )}
    </li>
  );
}
