import { EXCEPTIONS, type OrderView } from "../api/types";
import { messages } from "../i18n";
import { common } from "../i18n/common";
import { categoriesOf, form } from "../live/form";
import { labelText, problemText } from "../live/problem";
import { Icon } from "../ui/icons";
import { Live, StrengthTag } from "../ui/parts";
import { queueLabel } from "../ui/words";
import {
  callBack,
  chooseCategory,
  complete,
  exempt,
  focusField,
  markUrgent,
  save,
} from "./actions";
import { placeName, valueName } from "./Conflict";
import { valueAt } from "./draft";
import { kept } from "./drafts";
import { type DeskAction, keyOf } from "./hotkeys";
import { OrderFields } from "./OrderFields";
import { OrderMore } from "./OrderMore";
import { ProblemLine } from "./parts";
import { busy, clashing, compare, draft, missing, taken, unsent, view, write } from "./state";
import { dialog, dueText, keys, moment, numberText, titleText } from "./ui";
import { deskWords } from "./words";

/** The order in hand. */
export function OrderPanel() {
  const t = deskWords.value.order;
  const order = view.value;
  if (order === null)
    return (
      <main class="order order-none">
        <p>{t.none}</p>
        <p class="faint">{t.noneDetail}</p>
        <ProblemLine />
      </main>
    );
  const editable = order.allowed.includes("edit");
  return (
    <main class="order" aria-labelledby="order-title">
      <div class="order-scroll">
        <Head order={order} />
        <ProblemLine />
        <Clash order={order} />
        <Missing />
        {!editable && order.allowed.length === 0 && <p class="notice">{t.readOnly}</p>}
        <Categories order={order} editable={editable} />
        <OrderFields order={order} editable={editable} />
        <Exceptions order={order} />
        <OrderMore order={order} />
      </div>
      <Actions order={order} editable={editable} />
    </main>
  );
}

function Head({ order }: { order: OrderView }) {
  const t = deskWords.value.order;
  const c = common.value;
  return (
    <header class="order-head">
      <div class="order-title-line">
        {order.urgent !== null && <StrengthTag strength="urgent" word={c.urgentMark} />}
        <h2 id="order-title">{titleText(order)}</h2>
        <span class="chip">{c.orderState[order.state]}</span>
        {order.exemption !== null && (
          <span class="chip" title={t.exceptions}>
            {c.exception[order.exemption.kind]}
          </span>
        )}
      </div>
      <p class="order-facts">
        <span>{numberText(order.caller)}</span>
        {order.queue !== null && <span>{queueLabel(order.pbx, order.queue)}</span>}
        <span>
          {t.openedAt} {moment(order.opened_at, order.pbx)}
        </span>
        {(order.state === "open" || order.state === "returned") && (
          <span>
            <Live text={() => dueText(order)} />
          </span>
        )}
        <span class="faint">
          {t.orderNo} {order.id}
        </span>
        {order.allowed.includes("edit") && <DraftState />}
      </p>
      {order.state === "returned" && order.returned !== null && (
        <p class="notice">
          {c.orderState.returned}
          {": "}
          {order.returned.text}
        </p>
      )}
      {order.merged_into !== null && <p class="notice">{t.mergedInto(order.merged_into)}</p>}
      {order.folded > 0 && <p class="notice">{t.folded(order.folded)}</p>}
    </header>
  );
}

function DraftState() {
  const t = deskWords.value.order;
  return (
    <span class="draft-state" data-kept={kept.value} role="status">
      {{ nothing: t.draftNone, here: t.draftHere, server: t.draftServer }[kept.value]}
    </span>
  );
}

function Clash({ order }: { order: OrderView }) {
  const t = deskWords.value.order;
  const found = clashing.value;
  const late = unsent.value;
  if (late !== null) {
    const said = Object.entries(late.mine)
      .filter(([, value]) => typeof value === "string" && value !== "")
      .map(([path, value]) => `${placeName(path, order)}: ${valueName(path, value, order)}`);
    return <p class="notice order-unsent">{t.unsent(said.join(" · "))}</p>;
  }
  if (found.length === 0) {
    if (taken.value.length === 0) return null;
    const names = taken.value.map((path) => placeName(path, order)).join(messages.value.comma);
    return <p class="notice">{t.changedByOther(names)}</p>;
  }
  return (
    <p class="notice order-clash">
      {t.clash(found.length)}{" "}
      <button type="button" class="link" onClick={() => void compare(order, order.id, null)}>
        {t.clashShow}
      </button>
    </p>
  );
}

function Missing() {
  const t = deskWords.value.order;
  const found = missing.value;
  return (
    <div role="alert">
      {found.length > 0 && (
        <div class="problem order-missing">
          <Icon name="breach" />
          <div>
            <strong>{t.missingTitle(found.length)}</strong>
            <ul>
              {found.map((one) => (
                <li key={`${one.field} ${one.code}`}>
                  <button type="button" class="link" onClick={() => focusField(one.field)}>
                    {problemText(one)}
                  </button>
                </li>
              ))}
            </ul>
          </div>
        </div>
      )}
    </div>
  );
}

function Categories({ order, editable }: { order: OrderView; editable: boolean }) {
  const t = deskWords.value.order;
  const now = draft.value;
  if (now === null) return null;
  const chosen = valueAt(now, "category");
  const wrong = missing.value.find(({ field }) => field === "category");
  return (
    <div
      class="field order-categories"
      data-field="category"
      data-wrong={wrong === undefined ? "no" : "yes"}
    >
      <span class="label" id="category-label">
        {t.category} <span class="required">*</span>
      </span>
      <div class="choices" role="group" aria-labelledby="category-label">
        {categoriesOf(form.value, order.queue).map((category) => (
          <button
            key={category.key}
            type="button"
            class="button"
            data-category={category.key}
            aria-pressed={chosen === category.key}
            disabled={!editable}
            onClick={() => chooseCategory(category.key)}
          >
            {labelText(category.label)}
            {category.hotkey !== "" && <kbd>{keyOf(keys.value, { category: category.key })}</kbd>}
          </button>
        ))}
      </div>
      {wrong !== undefined && <FieldError text={problemText(wrong)} />}
      <label class="check">
        <input
          type="checkbox"
          checked={valueAt(now, "own_service") === true}
          disabled={!editable}
          onChange={(event) => write("own_service", event.currentTarget.checked)}
        />
        {t.ownService}
      </label>
    </div>
  );
}

export function FieldError({ text, id }: { text: string; id?: string }) {
  return (
    <span class="field-error" {...(id === undefined ? {} : { id })}>
      <Icon name="breach" />
      {text}
    </span>
  );
}

/** R3's known exceptions: why the agent had to hang up first. */
function Exceptions({ order }: { order: OrderView }) {
  const t = deskWords.value.order;
  const c = common.value;
  if (order.kind !== "call" || !order.allowed.includes("exempt")) return null;
  return (
    <div class="field order-exceptions">
      <span class="label" id="exceptions-label" title={t.exceptionsWhy}>
        {t.exceptions}
      </span>
      <div class="choices" role="group" aria-labelledby="exceptions-label">
        {(form.value?.exceptions ?? EXCEPTIONS).map((kind) => (
          <button
            key={kind}
            type="button"
            class="button"
            data-exception={kind}
            aria-pressed={order.exemption?.kind === kind}
            onClick={() => void exempt(kind, order.id)}
          >
            {c.exception[kind]} <kbd>{keyOf(keys.value, kind)}</kbd>
          </button>
        ))}
      </div>
    </div>
  );
}

function Actions({ order, editable }: { order: OrderView; editable: boolean }) {
  const t = deskWords.value.order;
  const k = keys.value;
  const mayDo = (what: string) => order.allowed.includes(what);
  const extra = (what: DeskAction & ("promise" | "note" | "merge"), word: string) =>
    mayDo(what) && (
      <button
        type="button"
        class="button"
        onClick={() => {
          dialog.value = { is: what };
        }}
      >
        {word} <kbd>{keyOf(k, what)}</kbd>
      </button>
    );
  const urgent = order.urgent !== null;
  return (
    <footer class="order-actions">
      {mayDo("complete") && (
        <button
          type="button"
          class="button"
          data-kind="primary"
          disabled={busy.value}
          onClick={() => void complete()}
        >
          {t.complete} <kbd>Ctrl+↵</kbd>
        </button>
      )}
      {editable && (
        <button type="button" class="button" disabled={busy.value} onClick={() => void save()}>
          {t.save} <kbd>Ctrl+S</kbd>
        </button>
      )}
      {(urgent ? mayDo("not_urgent") : mayDo("urgent")) && (
        <button
          type="button"
          class="button"
          data-kind="urgent"
          aria-pressed={urgent}
          onClick={() => void markUrgent()}
        >
          <Icon name="urgent" />
          {t.urgent} <kbd>{keyOf(k, "urgent")}</kbd>
        </button>
      )}
      <button type="button" class="button" onClick={() => void callBack()}>
        <Icon name="phone" />
        {t.dial} <kbd>{keyOf(k, "dial")}</kbd>
      </button>
      {extra("promise", t.promise)}
      {extra("note", t.note)}
      {extra("merge", t.merge)}
    </footer>
  );
}
