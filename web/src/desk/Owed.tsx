import { useEffect, useRef } from "preact/hooks";
import type { Order } from "../api/types";
import { common } from "../i18n/common";
import { categoryName, form, orderClock } from "../live/form";
import { store } from "../live/store";
import { bar } from "../model/rules";
import { Icon } from "../ui/icons";
import { Bar, Live, StrengthTag, useLive } from "../ui/parts";
import { dueStrength, timeFor } from "./countdown";
import { keyOf } from "./hotkeys";
import { currentOrder, openOrder, owed, view } from "./state";
import { dueText, keys, moment, numberText, titleText } from "./ui";
import { deskWords } from "./words";

/** Of an order: its queue's, or its seat group's. */
function timeOf(order: Order) {
  const seat = order.seat === null ? undefined : store.seat(`seat:${order.pbx}/${order.seat}`);
  return timeFor(order.kind, orderClock(form.value, order, seat?.group ?? ""));
}

/** What is still to be completed, the one due first at the top. */
export function Owed() {
  const t = deskWords.value.owed;
  return (
    <aside class="owed" aria-labelledby="owed-heading">
      <div class="owed-top">
        <h2 id="owed-heading">
          {t.heading}
          {owed.value.length > 0 && <span class="count">{owed.value.length}</span>}
        </h2>
        {owed.value.length > 0 && (
          <span class="owed-keys" aria-hidden="true">
            <kbd>{keyOf(keys.value, "previous")}</kbd> <kbd>{keyOf(keys.value, "next")}</kbd>
          </span>
        )}
      </div>
      {owed.value.length === 0 ? (
        <p class="nothing">
          {t.none}
          <br />
          <span class="faint">{t.noneDetail}</span>
        </p>
      ) : (
        <ol class="owed-list">
          {owed.value.map((order) => (
            <li key={order.id}>
              <OwedCard order={order} />
            </li>
          ))}
        </ol>
      )}
    </aside>
  );
}

function OwedCard({ order }: { order: Order }) {
  const t = deskWords.value.owed;
  const c = common.value;
  const strength = useLive(() =>
    dueStrength(
      order.due_at,
      order.overdue,
      store.second(order.pbx).value,
      timeOf(order)?.warn_s ?? 0,
    ),
  );
  const stopped = store.isStopped(order.pbx);
  const chosen = view.value?.id === order.id;
  const card = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (chosen) card.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    <button
      type="button"
      class="owed-card"
      ref={card}
      data-order={order.id}
      data-strength={order.urgent !== null ? "urgent" : strength.value}
      data-stopped={stopped ? "yes" : "no"}
      aria-current={chosen ? "true" : undefined}
      onClick={() => void take(order.id)}
    >
      <span class="owed-first">
        <span class="owed-due">
          {strength.value === "breach" && <Icon name="breach" />}
          {strength.value === "warning" && <Icon name="warning" />}
          <Live text={() => dueText(order)} />
        </span>
        {order.urgent !== null && <StrengthTag strength="urgent" />}
        {order.id === currentOrder.value && <span class="chip">{t.current}</span>}
        {order.state === "returned" && <span class="chip">{c.orderState.returned}</span>}
        {order.kind === "missed" && <span class="chip">{c.orderKind.missed}</span>}
      </span>
      <span class="owed-title">{titleText(order)}</span>
      <span class="owed-detail">
        {moment(order.opened_at, order.pbx)} · {categoryName(order.category, order.queue)}
        {order.title !== "" && ` · ${numberText(order.caller)}`}
      </span>
      {order.returned !== null && order.state === "returned" && (
        <span class="owed-detail">{t.returned(order.returned.text)}</span>
      )}
      <Bar of={() => dueBar(order)} />
    </button>
  );
}

/** On a narrow screen the order stands above the list: go there. */
async function take(id: string): Promise<void> {
  await openOrder(id);
  if (matchMedia("(max-width: 900px)").matches)
    document.querySelector(".order")?.scrollIntoView({ block: "start" });
}

function dueBar(order: Order) {
  const now = store.second(order.pbx).value;
  const time = timeOf(order);
  if (order.due_at === null || now === null || time === null) return null;
  const gone = Math.max(0, time.limit_s - (order.due_at - now));
  return bar(gone, time.warn_s > 0 ? time.limit_s - time.warn_s : null, time.limit_s);
}
