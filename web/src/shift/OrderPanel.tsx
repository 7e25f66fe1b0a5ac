import { EXCEPTIONS, type OrderView } from "../api/types";
import { chooseCategory, exempt, focusField, save } from "../desk/actions";
import { OrderFields } from "../desk/OrderFields";
import { OrderMore } from "../desk/OrderMore";
import { ProblemLine } from "../desk/parts";
import { draft, missing, problem, write } from "../desk/state";
import { isEmpty, valueAt } from "../desk/draft";
import { moment, numberText, titleText } from "../desk/ui";
import { deskWords } from "../desk/words";
import { common } from "../i18n/common";
import { categoriesOf, categoryName, form } from "../live/form";
import { labelText, problemText } from "../live/problem";
import { duration } from "../model/format";
import { Icon } from "../ui/icons";
import { Live, StrengthTag } from "../ui/parts";
import { queueLabel } from "../ui/words";
import { take } from "./actions";
import { acknowledgedAfter } from "./inbox";
import { ToldLine } from "./Inbox";
import { keyName, KEYS } from "./hotkeys";
import { Life, Progress } from "./Life";
import { closePanel, personText, shown } from "./state";
import { nextStep, STEPS, type Step } from "./steps";
import { editing } from "./ui";
import { shiftWords } from "./words";
import { nowOf } from "../desk/ui";

/** The order beside the list, with every step that may be taken now. */
export function OrderPanel() {
  const t = shiftWords.value.order;
  const order = shown.value;
  if (order === null)
    return (
      <section class="sl-panel sl-panel-none">
        {problem.value === null ? (
          <p class="starting">{common.value.loading}</p>
        ) : (
          <>
            <p>{problem.value.status === 404 ? t.notFound : problemText(problem.value)}</p>
            <button type="button" class="button" onClick={closePanel}>
              {t.back}
            </button>
          </>
        )}
      </section>
    );
  return (
    <section class="sl-panel" aria-labelledby="sl-title" data-order={order.id}>
      <div class="sl-panel-scroll">
        <Head order={order} />
        <ProblemLine />
        <Missing />
        <Urgent order={order} />
        <Progress order={order} />
        <Content order={order} />
        <Life order={order} />
        <OrderMore order={order} />
      </div>
      <Steps order={order} />
    </section>
  );
}

function Head({ order }: { order: OrderView }) {
  const t = shiftWords.value;
  const c = common.value;
  return (
    <header class="sl-head">
      <div class="order-title-line">
        {order.urgent !== null && <StrengthTag strength="urgent" word={c.urgentMark} />}
        <h2 id="sl-title">{titleText(order)}</h2>
        <span class="chip">{c.orderState[order.state]}</span>
        {order.own_service && <span class="chip">{t.inbox.section.own_service}</span>}
        <button
          type="button"
          class="control sl-close"
          aria-label={t.order.closePanel}
          title={`${t.order.closePanel} (Esc)`}
          onClick={closePanel}
        >
          <Icon name="close" />
        </button>
      </div>
      <p class="order-facts">
        <span>{numberText(order.caller)}</span>
        <span>{categoryName(order.category, order.queue)}</span>
        {order.queue !== null && <span>{queueLabel(order.pbx, order.queue)}</span>}
        {order.owner !== null && (
          <span>
            {t.order.agent} {personText(order.owner)}
          </span>
        )}
        {order.team !== null && <span>{order.team}</span>}
        <span>
          {moment(order.opened_at, order.pbx)} {t.order.opened}
        </span>
        <span class="faint">{order.id}</span>
      </p>
      {order.merged_into !== null && (
        <p class="notice">{deskWords.value.order.mergedInto(order.merged_into)}</p>
      )}
      {order.state === "returned" && order.returned !== null && (
        <p class="notice">
          {c.orderState.returned} · {order.returned.text}
        </p>
      )}
    </header>
  );
}

function Urgent({ order }: { order: OrderView }) {
  const t = shiftWords.value;
  const { urgent } = order;
  if (urgent === null || urgent.acknowledged_at !== null) {
    const took = acknowledgedAfter(order);
    const by = urgent?.acknowledged_by ?? order.forwarded?.acknowledged_by ?? null;
    if (took === null || by === null) return null;
    return (
      <p class="sl-acknowledged">
        <Icon name="calm" />
        {t.inbox.acknowledgedIn(personText(by), duration(took))}
        {urgent !== null && urgent.told.length > 0 && <ToldLine order={order} />}
      </p>
    );
  }
  return (
    <div class="sl-urgent-strip">
      <Icon name="urgent" large />
      <strong class="sl-clock">
        <Live
          text={() => {
            const now = nowOf(order.pbx);
            return now === null ? "–" : duration(now - urgent.since_at);
          }}
        />
      </strong>
      <span class="sl-strip-words">
        <span>{t.inbox.markedBy(personText(urgent.by))}</span>
        <ToldLine order={order} />
      </span>
      {order.allowed.includes("acknowledge") && (
        <button
          type="button"
          class="button"
          data-kind="primary"
          onClick={() => void take("acknowledge")}
        >
          {t.step.acknowledge} <kbd>A</kbd>
        </button>
      )}
    </div>
  );
}

/** What the form still lacks, after completing it was refused. */
function Missing() {
  const found = missing.value;
  if (found.length === 0) return null;
  return (
    <div class="problem order-missing" role="alert">
      <Icon name="breach" />
      <div>
        <strong>{deskWords.value.order.missingTitle(found.length)}</strong>
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
  );
}

/** What the agent wrote; a key turns it into the form. */
function Content({ order }: { order: OrderView }) {
  const t = shiftWords.value.order;
  const may = order.allowed.includes("edit");
  const open = editing.value && may;
  return (
    <section class="part sl-content">
      <h3>
        {t.content}
        {may && (
          <button
            type="button"
            class="button sl-edit"
            data-kind="quiet"
            aria-expanded={open}
            onClick={() => {
              editing.value = !editing.peek();
            }}
          >
            {open ? t.editDone : t.edit} <kbd>{keyName("edit")}</kbd>
          </button>
        )}
      </h3>
      {open ? <Form order={order} /> : <Written order={order} />}
    </section>
  );
}

function Written({ order }: { order: OrderView }) {
  const t = shiftWords.value.order;
  const spec = categoriesOf(form.value, order.queue).find(({ key }) => key === order.category);
  const named = new Map(spec?.fields.map(({ key, label }) => [key, labelText(label)]));
  const fields = Object.entries(order.fields).filter(([, value]) => value !== "");
  if (fields.length === 0 && order.reply === null) return <p class="faint">{t.emptyContent}</p>;
  return (
    <dl class="sl-written">
      {fields.map(([key, value]) => (
        <div key={key}>
          <dt>{named.get(key) ?? key}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      {order.reply !== null && (
        <div>
          <dt>
            {t.reply} ({common.value.replyMode[order.reply.mode]})
          </dt>
          <dd>
            {order.reply.content}
            {order.reply.basis !== "" && (
              <span class="faint">
                {" "}
                {t.basis} {order.reply.basis}
              </span>
            )}
          </dd>
        </div>
      )}
    </dl>
  );
}

function Form({ order }: { order: OrderView }) {
  const t = shiftWords.value.order;
  const now = draft.value;
  if (now === null) return null;
  return (
    <div class="stack">
      <div class="field" data-field="category">
        <label for="sl-category">{t.category}</label>
        <select
          id="sl-category"
          value={String(valueAt(now, "category"))}
          onChange={(event) => chooseCategory(event.currentTarget.value)}
        >
          <option value="">{common.value.noCategory}</option>
          {categoriesOf(form.value, order.queue).map(({ key, label }) => (
            <option key={key} value={key}>
              {labelText(label)}
            </option>
          ))}
        </select>
        <label class="check">
          <input
            type="checkbox"
            checked={valueAt(now, "own_service") === true}
            onChange={(event) => write("own_service", event.currentTarget.checked)}
          />
          {deskWords.value.order.ownService}
        </label>
      </div>
      <OrderFields order={order} editable />
      {order.kind === "call" && order.allowed.includes("exempt") && <Exempt order={order} />}
      <div class="choices">
        <button
          type="button"
          class="button"
          data-kind="primary"
          disabled={isEmpty(now)}
          onClick={() => void save()}
        >
          {t.save} <kbd>Ctrl+Enter</kbd>
        </button>
        {!isEmpty(now) && <span class="faint">{t.unsaved}</span>}
      </div>
    </div>
  );
}

function Exempt({ order }: { order: OrderView }) {
  const t = shiftWords.value.order;
  return (
    <div class="field order-exceptions">
      <span class="label" id="sl-exempt">
        {t.exempt}
      </span>
      <div class="choices" role="group" aria-labelledby="sl-exempt">
        {(form.value?.exceptions ?? EXCEPTIONS).map((kind) => (
          <button
            key={kind}
            type="button"
            class="button"
            aria-pressed={order.exemption?.kind === kind}
            onClick={() => void exempt(kind)}
          >
            {common.value.exception[kind]}
          </button>
        ))}
      </div>
    </div>
  );
}

function Steps({ order }: { order: OrderView }) {
  const t = shiftWords.value;
  const found = STEPS.filter((step) => order.allowed.includes(step) && isOffered(order, step));
  const first = nextStep(order, order.allowed);
  if (found.length === 0)
    return (
      <footer class="order-actions">
        <p class="faint">{t.order.nothingAllowed}</p>
      </footer>
    );
  const sorted = first === null ? found : [first, ...found.filter((step) => step !== first)];
  return (
    <footer class="order-actions">
      {sorted.map((step) => (
        <button
          key={step}
          type="button"
          class="button"
          data-step={step}
          {...(step === first ? { "data-kind": "primary" } : {})}
          {...(step === "urgent" ? { "data-kind": "urgent" } : {})}
          onClick={() => void take(step)}
        >
          {step === "urgent" && <Icon name="urgent" />}
          {t.step[step]}
          {step in KEYS && <kbd>{keyName(step as keyof typeof KEYS)}</kbd>}
        </button>
      ))}
    </footer>
  );
}

/** Steps that the server allows and that would say nothing new are not offered. */
function isOffered(order: OrderView, step: Step): boolean {
  if (step === "acknowledge")
    return order.urgent !== null
      ? order.urgent.acknowledged_at === null
      : order.forwarded !== null && order.forwarded.acknowledged_at === null;
  if (step === "urgent") return order.urgent === null;
  if (step === "not_urgent") return order.urgent !== null;
  if (step === "keep_promise") return order.promise !== null && order.promise.kept_at === null;
  return true;
}
