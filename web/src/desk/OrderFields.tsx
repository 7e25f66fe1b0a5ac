import { type FieldSpec, type OrderView, REPLY_MODES } from "../api/types";
import { common } from "../i18n/common";
import { categoriesOf, form } from "../live/form";
import { labelText, problemText } from "../live/problem";
import { valueAt } from "./draft";
import { FieldError } from "./OrderPanel";
import { draft, missing, write } from "./state";
import { deskWords } from "./words";

/** Texts that may be longer get the whole width. */
const SHORT_TEXT_CHARS = 500;
/** About as much as fits into a line of a narrow field. */
const LINE_CHARS = 28;

/** What the category asks for. */
export function OrderFields({ order, editable }: { order: OrderView; editable: boolean }) {
  const t = deskWords.value.order;
  const now = draft.value;
  if (now === null) return null;
  const chosen = valueAt(now, "category");
  const spec = categoriesOf(form.value, order.queue).find(({ key }) => key === chosen);
  return (
    <>
      {spec !== undefined && (
        <div class="order-fields">
          {spec.fields.map((field) => (
            <Place
              key={field.key}
              path={`fields.${field.key}`}
              label={labelText(field.label)}
              required={field.required}
              editable={editable}
              spec={field}
            />
          ))}
        </div>
      )}
      {spec?.needs_reply === true && <ReplyPart order={order} editable={editable} />}
      {(order.external_no !== "" || form.value?.external === true) && (
        <Place path="external_no" label={t.externalNo} required={false} editable={editable} />
      )}
    </>
  );
}

interface PlaceProps {
  readonly path: string;
  readonly label: string;
  readonly required: boolean;
  readonly editable: boolean;
  readonly hint?: string;
  readonly spec?: FieldSpec;
  readonly long?: boolean;
}

/** One place of the form: label, input, and what is wrong with it. */
function Place({ path, label, required, editable, hint, spec, long = false }: PlaceProps) {
  const now = draft.value;
  if (now === null) return null;
  const value = String(valueAt(now, path));
  const wrong = missing.value.find(({ field }) => field === path);
  const id = `place-${path}`;
  const text = long || spec?.kind === "text";
  const wide = long || (text && (spec?.max_chars ?? 0) > SHORT_TEXT_CHARS);
  const lines = value.split("\n").length + Math.floor(value.length / (LINE_CHARS * (wide ? 2 : 1)));
  const shared = {
    id,
    value,
    disabled: !editable,
    "aria-required": required,
    "aria-invalid": wrong !== undefined,
    ...(wrong === undefined ? {} : { "aria-describedby": `${id}-wrong` }),
  };
  const onInput = (event: { currentTarget: { value: string } }) =>
    write(path, event.currentTarget.value);
  return (
    <div
      class="field"
      data-field={path}
      data-wide={wide ? "yes" : "no"}
      data-wrong={wrong === undefined ? "no" : "yes"}
    >
      <label for={id}>
        {label}
        {required && <span class="required"> *</span>}
        {hint !== undefined && <span class="faint"> {hint}</span>}
      </label>
      {spec?.kind === "choice" ? (
        <select {...shared} onChange={onInput}>
          <option value="">{deskWords.value.order.choose}</option>
          {[...new Set([...spec.choices, ...(value === "" ? [] : [value])])].map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : text ? (
        <textarea
          {...shared}
          rows={Math.min(6, Math.max(wide ? 2 : 1, lines))}
          maxLength={spec?.max_chars ?? 4000}
          onInput={onInput}
        />
      ) : (
        <OneLine
          kind={spec?.kind ?? "text"}
          shared={{ ...shared, maxLength: spec?.max_chars ?? 500, onInput }}
        />
      )}
      {wrong !== undefined && <FieldError id={`${id}-wrong`} text={problemText(wrong)} />}
    </div>
  );
}

interface OneLineProps {
  readonly kind: FieldSpec["kind"];
  readonly shared: {
    readonly id: string;
    readonly value: string;
    readonly disabled: boolean;
    readonly maxLength: number;
    readonly "aria-required": boolean;
    readonly "aria-invalid": boolean;
    readonly onInput: (event: { currentTarget: { value: string } }) => void;
  };
}

function OneLine({ kind, shared }: OneLineProps) {
  if (kind === "date") return <input {...shared} type="date" />;
  if (kind === "phone") return <input {...shared} type="tel" autocomplete="off" />;
  return <input {...shared} type="text" autocomplete="off" />;
}

function ReplyPart({ order, editable }: { order: OrderView; editable: boolean }) {
  const t = deskWords.value.order;
  const now = draft.value;
  if (now === null) return null;
  const mode = REPLY_MODES.find((name) => name === valueAt(now, "reply.mode"));
  const wrong = missing.value.find(({ field }) => field === "reply.mode" || field === "reply");
  const tried = order.contacts.some(({ kind }) => kind === "call_back" || kind === "attempt");
  return (
    <fieldset class="order-reply">
      <legend class="label">{t.reply}</legend>
      <div class="field" data-field="reply.mode" data-wrong={wrong === undefined ? "no" : "yes"}>
        <span class="label" id="reply-mode">
          {t.replyMode} <span class="required">*</span>
        </span>
        <div class="choices" role="group" aria-labelledby="reply-mode">
          {REPLY_MODES.map((name) => (
            <button
              key={name}
              type="button"
              class="button"
              data-mode={name}
              aria-pressed={mode === name}
              disabled={!editable}
              onClick={() => write("reply.mode", name)}
            >
              {common.value.replyMode[name]}
            </button>
          ))}
        </div>
        {mode !== undefined && (
          <p class="faint">
            {t.modeHint[mode]}{" "}
            {mode === "delayed" && <strong>{tried ? t.callBackSeen : t.callBackNotSeen}</strong>}
          </p>
        )}
        {wrong !== undefined && <FieldError text={problemText(wrong)} />}
      </div>
      <Place path="reply.content" label={t.content} required editable={editable} long />
      <Place
        path="reply.basis"
        label={t.basis}
        required={mode === "direct"}
        editable={editable}
        hint={t.basisHint}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={valueAt(now, "reply.passed_on") === true}
          disabled={!editable}
          onChange={(event) => write("reply.passed_on", event.currentTarget.checked)}
        />
        {t.passedOn}
      </label>
    </fieldset>
  );
}
