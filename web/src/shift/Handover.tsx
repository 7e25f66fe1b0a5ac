import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, type Problem } from "../api/client";
import { type Handover, type Order, ORDER_STATES, type OrderState } from "../api/types";
import { say } from "../desk/state";
import { moment, titleText } from "../desk/ui";
import { common } from "../i18n/common";
import { problemText } from "../live/problem";
import { me } from "../live/session";
import { store } from "../live/store";
import { StrengthTag } from "../ui/parts";
import { DAY_S } from "../model/dates";
import { draftOf, dropDraft, keepDraft } from "./drafts";
import { Faults } from "./Faults";
import { OrderPanel } from "./OrderPanel";
import { FieldError, Refused } from "./parts";
import {
  cursor,
  handovers,
  hasShifts,
  allOrders,
  beside,
  loadDuties,
  loadHandovers,
  open,
  opened,
  people,
  personText,
  teamShown,
  toTake,
} from "./state";
import { refusal } from "./ui";
import { shiftWords } from "./words";

const OPEN = "open,returned,forwarded,dispatched,answered,told";
const SHOWN = 40;
const NEXT_SHIFTS_S = 1.5 * DAY_S;

/** From one shift to the next: take over, hand over, and what was handed over before. */
export function Handovers() {
  return (
    <main class="sl-split sl-wide" data-open={opened.value === null ? "no" : "yes"}>
      <div class="sl-list sl-page sl-handover">
        <Take />
        {hasShifts.value && <Give key={teamShown.value} />}
        <Faults />
        <Earlier />
      </div>
      {opened.value !== null && <OrderPanel key={opened.value} />}
    </main>
  );
}

function Take() {
  const t = shiftWords.value.handover;
  const found = toTake.value;
  if (found.length === 0) return null;
  return (
    <section aria-labelledby="sl-take">
      <h2 id="sl-take">{t.take}</h2>
      <Refused problem={refusal.value} />
      <ul>
        {found.map((one) => (
          <li key={one.id} class="sl-take" data-handover={one.id}>
            <Whole one={one} />
            <button
              type="button"
              class="button"
              data-kind="primary"
              data-act="confirm"
              onClick={() => void confirm(one.id)}
            >
              {t.confirm}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

async function confirm(id: string): Promise<void> {
  const answer = await api<Handover>(`handovers/${encodeURIComponent(id)}/confirm`, {
    method: "POST",
    body: {},
  });
  refusal.value = answer.ok ? null : answer.problem;
  await loadHandovers();
  if (answer.ok) say(shiftWords.peek().handover.confirmed);
}

/** A handover in full: by whom, what was open, the log. */
function Whole({ one }: { one: Handover }) {
  const t = shiftWords.value.handover;
  return (
    <div class="sl-whole">
      <p>
        <strong>{t.from(personText(one.by), moment(one.at, null))}</strong>
        {one.team !== "" && <span class="chip">{one.team}</span>}
        {one.to !== null && <span class="faint"> {t.toWhom(personText(one.to))}</span>}
      </p>
      <p class="sl-lines sl-log">{one.log === "" ? t.emptyLog : one.log}</p>
      <details>
        <summary>{t.openThen(one.open_orders.length)}</summary>
        <p class="sl-ids">
          {one.open_orders.map((id) => (
            <button key={id} type="button" class="link" onClick={() => void open(id)}>
              {id}
            </button>
          ))}
        </p>
      </details>
    </div>
  );
}

function Give() {
  const t = shiftWords.value.handover;
  const team = teamShown.value;
  const key = `log ${team}`;
  const log = useSignal(draftOf(key));
  const to = useSignal("");
  const orders = useSignal<readonly Order[] | null>(null);
  const rostered = useSignal<readonly string[]>([]);
  const refused = useSignal<Problem | null>(null);
  const wrong = useSignal<{ readonly place: "log" | "to"; readonly text: string } | null>(null);
  const busy = useSignal(false);
  // Asked again with the lists beside the inbox, which the server's hints bring.
  const news = beside.value;
  useEffect(() => {
    void allOrders({ state: OPEN, sort: "due" }).then((answer) => {
      if (!answer.ok) return;
      orders.value = answer.value.filter((order) => team === "" || order.team === team);
    });
  }, [orders, team, news]);
  useEffect(() => {
    const now = store.serverNow.peek() ?? 0;
    void loadDuties(now, now + NEXT_SHIFTS_S).then((answer) => {
      if (!answer.ok) return;
      const next = [...answer.value.items]
        .filter((duty) => team === "" || duty.team === "" || duty.team === team)
        .sort((a, b) => b.from_at - a.from_at)
        .map(({ login }) => login);
      rostered.value = [...new Set(next)].filter((login) => login !== me.peek()?.login);
    });
  }, [rostered, team]);
  const send = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    if (log.value.trim() === "") {
      wrong.value = { place: "log", text: t.needLog };
      document.querySelector<HTMLElement>("#sl-log")?.focus();
      return;
    }
    busy.value = true;
    const answer = await api<Handover>("handovers", {
      method: "POST",
      body: { team, log: log.value.trim(), ...(to.value === "" ? {} : { to: to.value }) },
    });
    busy.value = false;
    if (!answer.ok) {
      const { field } = answer.problem;
      const named = field === "to" || field === "log" ? field : null;
      wrong.value = named === null ? null : { place: named, text: problemText(answer.problem) };
      refused.value = named === null ? answer.problem : null;
      return;
    }
    log.value = "";
    dropDraft(key);
    refused.value = wrong.value = null;
    await loadHandovers();
    say(t.sent);
  };
  const others = people.value.filter(
    ({ login }) => login !== me.value?.login && !rostered.value.includes(login),
  );
  const error = (place: "log" | "to") =>
    wrong.value !== null && wrong.value.place === place ? wrong.value.text : null;
  return (
    <section aria-labelledby="sl-give" class="sl-give">
      <h2 id="sl-give">{t.give}</h2>
      <p class="faint">{t.giveLead}</p>
      <div class="sl-give-body">
        <OpenOrders orders={orders.value} />
        <form class="stack" onSubmit={(event) => void send(event)}>
          <div class="field" data-wrong={error("log") === null ? "no" : "yes"}>
            <label for="sl-log">
              {t.log} {log.value !== "" && <span class="faint">· {t.draft}</span>}
            </label>
            <textarea
              id="sl-log"
              rows={8}
              value={log.value}
              placeholder={t.logHint}
              onInput={(event) => {
                log.value = event.currentTarget.value;
                wrong.value = null;
                keepDraft(key, log.value);
              }}
            />
            <FieldError text={error("log")} />
          </div>
          <div class="field" data-wrong={error("to") === null ? "no" : "yes"}>
            <label for="sl-give-to">{t.to}</label>
            <select
              id="sl-give-to"
              value={to.value}
              onChange={(event) => {
                to.value = event.currentTarget.value;
                wrong.value = null;
              }}
            >
              <option value="">{t.toAnyone}</option>
              {rostered.value.length > 0 && (
                <optgroup label={t.rostered}>
                  {rostered.value.map((login) => (
                    <option key={login} value={login}>
                      {personText(login)}
                    </option>
                  ))}
                </optgroup>
              )}
              <optgroup label={t.others}>
                {others.map(({ login }) => (
                  <option key={login} value={login}>
                    {personText(login)}
                  </option>
                ))}
              </optgroup>
            </select>
            <FieldError text={error("to")} />
          </div>
          <Refused problem={refused.value} />
          <div>
            <button type="submit" class="button" data-kind="primary" disabled={busy.value}>
              {t.send}
            </button>
          </div>
        </form>
      </div>
    </section>
  );
}

function OpenOrders({ orders }: { orders: readonly Order[] | null }) {
  const t = shiftWords.value.handover;
  const c = common.value;
  if (orders === null) return <p class="nothing">{c.loading}</p>;
  const counts = new Map<OrderState, number>();
  for (const { state } of orders) counts.set(state, (counts.get(state) ?? 0) + 1);
  return (
    <div class="sl-open-orders">
      <h3>
        {t.open} <span class="count">{orders.length}</span>
      </h3>
      {orders.length === 0 && <p class="nothing">{t.openNone}</p>}
      <p class="sl-counts">
        {ORDER_STATES.filter((state) => counts.has(state)).map((state) => (
          <span key={state} class="chip">
            {c.orderState[state]} {counts.get(state)}
          </span>
        ))}
      </p>
      <ul class="sl-open-list">
        {orders.slice(0, SHOWN).map((order) => (
          <li
            key={order.id}
            data-row={order.id}
            data-cursor={cursor.value === order.id ? "yes" : "no"}
          >
            <button type="button" class="link" data-row-main onClick={() => void open(order.id)}>
              {order.urgent !== null && <StrengthTag strength="urgent" word={c.urgentMark} />}{" "}
              {titleText(order)}
            </button>
            <span class="faint">
              {c.orderState[order.state]} {personText(order.owner)}
            </span>
          </li>
        ))}
      </ul>
      {orders.length > SHOWN && <p class="faint">{t.openMore(orders.length - SHOWN)}</p>}
    </div>
  );
}

function Earlier() {
  const t = shiftWords.value.handover;
  const found = handovers.value;
  return (
    <section aria-labelledby="sl-earlier">
      <h2 id="sl-earlier">{t.earlier}</h2>
      {found.length === 0 && <p class="nothing">{t.earlierNone}</p>}
      <ul>
        {found.map((one) => (
          <li key={one.id} class="sl-earlier">
            <Whole one={one} />
            <p class={one.confirmed_by === null ? "sl-waits" : "faint"}>
              {one.confirmed_by === null
                ? t.waiting
                : t.confirmedBy(
                    personText(one.confirmed_by),
                    moment(one.confirmed_at ?? one.at, null),
                  )}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
