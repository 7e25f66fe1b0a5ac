import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, apiUrl, items } from "../api/client";
import type { OrderChange, OrderView, Page, Recording, Urgent } from "../api/types";
import { common } from "../i18n/common";
import { form } from "../live/form";
import { labelText } from "../live/problem";
import { duration } from "../model/format";
import { Icon } from "../ui/icons";
import { callBack } from "./actions";
import { placeName, valueName } from "./Conflict";
import { changedPlaces, commandWord, type FormWords, NOTHING } from "./history";
import { command, say } from "./state";
import { moment, nowOf } from "./ui";
import { deskWords } from "./words";

/** What belongs to the order beside its form: urgency, promise, numbers, calls, notes, history. */
export function OrderMore({ order }: { order: OrderView }) {
  return (
    <div class="order-more">
      {order.urgent !== null && <UrgentPart order={order} urgent={order.urgent} />}
      <Promised order={order} />
      <Numbers order={order} />
      <Contacts order={order} />
      <Notes order={order} />
      <Recordings order={order} key={`recordings ${order.id}`} />
      <History order={order} key={`history ${order.id}`} />
    </div>
  );
}

function UrgentPart({ order, urgent }: { order: OrderView; urgent: Urgent }) {
  const t = deskWords.value.order;
  const nobody = urgent.acknowledged_at === null && urgent.told.at(-1)?.how === "nobody";
  const told = [...new Set(urgent.told.flatMap(({ to }) => to))];
  return (
    <section class="part urgent-part">
      <h3>
        <Icon name="urgent" /> {t.urgent}
      </h3>
      {urgent.acknowledged_at !== null ? (
        <p>
          {t.acknowledged(urgent.acknowledged_by ?? "", moment(urgent.acknowledged_at, order.pbx))}
        </p>
      ) : nobody ? (
        <p>{t.nobody}</p>
      ) : (
        <p>{t.telling}</p>
      )}
      {told.length > 0 && <p class="faint">{t.toldTo(told.join(", "))}</p>}
      {urgent.process !== "" && (
        <p>
          {urgent.unit_called} · {urgent.process} · {urgent.method}
        </p>
      )}
      {nobody && order.allowed.includes("handle_urgent") && <HandleUrgent />}
    </section>
  );
}

/** Nobody is on duty: the unit is dialled by a person, and what was done is written down. */
function HandleUrgent() {
  const t = deskWords.value.order;
  const unit = useSignal("");
  const process = useSignal("");
  const method = useSignal("");
  const units = form.value?.units ?? [];
  const chosen = units.find(({ key }) => key === unit.value);
  const submit = async (event: Event) => {
    event.preventDefault();
    const refused = await command({
      do: "handle_urgent",
      unit: unit.value,
      process: process.value,
      method: method.value,
    });
    if (refused === null) say(t.handled);
  };
  return (
    <form class="urgent-handle" onSubmit={(event) => void submit(event)}>
      <div class="field">
        <label for="urgent-unit">{t.unit}</label>
        <select
          id="urgent-unit"
          value={unit.value}
          onChange={(event) => {
            unit.value = event.currentTarget.value;
          }}
        >
          <option value="">{t.unitChoose}</option>
          {units.map(({ key, label }) => (
            <option key={key} value={key}>
              {labelText(label)}
            </option>
          ))}
        </select>
      </div>
      {chosen !== undefined && chosen.phone !== "" && (
        <button type="button" class="button" onClick={() => void callBack(chosen.phone)}>
          <Icon name="phone" />
          {chosen.contact} {chosen.phone}
        </button>
      )}
      <div class="field">
        <label for="urgent-process">{t.process}</label>
        <textarea
          id="urgent-process"
          rows={2}
          value={process.value}
          onInput={(event) => {
            process.value = event.currentTarget.value;
          }}
        />
      </div>
      <div class="field">
        <label for="urgent-method">{t.method}</label>
        <textarea
          id="urgent-method"
          rows={2}
          value={method.value}
          onInput={(event) => {
            method.value = event.currentTarget.value;
          }}
        />
      </div>
      <button
        type="submit"
        class="button"
        disabled={unit.value === "" || process.value.trim() === "" || method.value.trim() === ""}
      >
        {t.handle}
      </button>
    </form>
  );
}

function Promised({ order }: { order: OrderView }) {
  const t = deskWords.value.order;
  const { promise } = order;
  if (promise === null) return null;
  const now = nowOf(order.pbx);
  const late =
    promise.kept_at === null && (promise.broken || (now !== null && now > promise.due_at));
  return (
    <section class="part">
      <h3>{t.promise}</h3>
      <p>
        {promise.text} · {t.promised(moment(promise.due_at, order.pbx))}
        {promise.kept_at !== null && ` · ${t.promiseKept}`}
        {late && <strong class="late"> · {t.promiseBroken}</strong>}
      </p>
      {order.allowed.includes("keep_promise") && promise.kept_at === null && (
        <button type="button" class="button" onClick={() => void command({ do: "keep_promise" })}>
          {t.promiseKeep}
        </button>
      )}
    </section>
  );
}

function Numbers({ order }: { order: OrderView }) {
  const t = deskWords.value.order;
  const number = useSignal("");
  const label = useSignal("");
  const add = async (event: Event) => {
    event.preventDefault();
    const refused = await command({
      do: "add_number",
      number: number.value.trim(),
      label: label.value.trim(),
    });
    if (refused === null) number.value = label.value = "";
  };
  return (
    <section class="part">
      <h3>{t.numbers}</h3>
      <ul class="numbers">
        {order.numbers.map((one) => (
          <li key={one.norm || one.number}>
            <button type="button" class="button" onClick={() => void callBack(one.number)}>
              <Icon name="phone" />
              {one.number}
            </button>
            <span class="faint">{one.label}</span>
            {order.allowed.includes("remove_number") && order.numbers.length > 1 && (
              <button
                type="button"
                class="control"
                aria-label={t.removeNumber(one.number)}
                title={t.removeNumber(one.number)}
                onClick={() => void command({ do: "remove_number", number: one.number })}
              >
                <Icon name="close" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {order.allowed.includes("add_number") && (
        <form class="inline-form" onSubmit={(event) => void add(event)}>
          <input
            type="tel"
            aria-label={t.addNumber}
            placeholder={t.addNumber}
            value={number.value}
            onInput={(event) => {
              number.value = event.currentTarget.value;
            }}
          />
          <input
            aria-label={t.numberLabel}
            placeholder={t.numberLabel}
            value={label.value}
            onInput={(event) => {
              label.value = event.currentTarget.value;
            }}
          />
          <button type="submit" class="button" disabled={number.value.trim() === ""}>
            {t.addNumber}
          </button>
        </form>
      )}
    </section>
  );
}

function Contacts({ order }: { order: OrderView }) {
  const t = deskWords.value.order;
  if (order.contacts.length === 0) return null;
  return (
    <section class="part">
      <h3>{t.contacts}</h3>
      <ul class="lines">
        {order.contacts.map((contact) => (
          <li key={`${contact.leg} ${contact.kind}`}>
            <time>{moment(contact.at, order.pbx)}</time>
            <span>
              {common.value.contact[contact.kind]} {contact.number}
              {contact.talk_s !== null && ` · ${t.talked(duration(contact.talk_s))}`}
              {contact.in_time !== null && ` · ${contact.in_time ? t.inTime : t.late}`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Notes({ order }: { order: OrderView }) {
  const t = deskWords.value.order;
  if (order.notes.length === 0) return null;
  return (
    <section class="part">
      <h3>{t.notes}</h3>
      <ul class="lines">
        {order.notes.map((note) => (
          <li key={`${note.at} ${note.text}`}>
            <time>{moment(note.at, order.pbx)}</time>
            <span>
              {note.text} <span class="faint">{note.by}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface CallParts {
  readonly recordings: readonly Recording[];
}

function Recordings({ order }: { order: OrderView }) {
  const t = deskWords.value.order;
  const found = useSignal<readonly Recording[]>([]);
  const over = order.due_at !== null || order.state !== "open";
  useEffect(() => {
    if (!over || order.kind !== "call") return;
    const path = `calls/${encodeURIComponent(order.pbx)}/${encodeURIComponent(order.call)}`;
    void api<CallParts>(path).then((answer) => {
      if (answer.ok) found.value = answer.value.recordings;
    });
  }, [found, over, order.kind, order.pbx, order.call]);
  if (found.value.length === 0) return null;
  return (
    <section class="part">
      <h3>{t.recordings}</h3>
      {found.value.map(({ id }) => (
        <audio key={id} controls preload="none" src={recordingUrl(id)} />
      ))}
    </section>
  );
}

export function recordingUrl(id: string): string {
  return apiUrl(`recordings/${encodeURIComponent(id)}`);
}

function History({ order }: { order: OrderView }) {
  const t = deskWords.value.order;
  const found = useSignal<readonly OrderChange[] | null>(null);
  const of: FormWords = {
    name: (path) => placeName(path, order),
    value: (path, value) => valueName(path, value, order),
  };
  const open = useSignal(false);
  useEffect(() => {
    if (!open.value) return;
    const path = `orders/${encodeURIComponent(order.id)}/history`;
    void api<Page<OrderChange> | readonly OrderChange[]>(path).then((answer) => {
      if (answer.ok) found.value = items(answer.value);
    });
  }, [found, open.value, order.id, order.version]);
  return (
    <details
      class="part"
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>{t.history}</summary>
      <ul class="lines">
        {(found.value ?? []).map((change) => (
          <li key={change.version}>
            <time>{moment(change.at, order.pbx)}</time>
            <span>
              {change.by ?? t.historySystem} · <strong>{commandWord(change)}</strong>
              {changedPlaces(change, order, of).map(({ path, name, before, after }) => (
                <span key={path} class="history-change">
                  {name}
                  {common.value.colon}
                  {before === NOTHING ? after : `${before} → ${after}`}
                </span>
              ))}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
