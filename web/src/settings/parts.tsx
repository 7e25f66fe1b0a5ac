import type { ComponentChildren } from "preact";
import { common } from "../i18n/common";
import { moment, personText } from "../history/ask";
import { problemText } from "../live/problem";
import { Icon } from "../ui/icons";
import type { Draft } from "./draft";
import { maySet } from "./drafts";
import { settingsWords } from "./words";

interface SectionProps {
  readonly draft: Draft;
  readonly title: string;
  readonly lead: string;
  readonly children: ComponentChildren;
}

/** One setting, saved by itself. */
export function Section({ draft, title, lead, children }: SectionProps) {
  const t = settingsWords.value;
  const kept = draft.kept.value;
  const id = `setting-${draft.key}`;
  const wrong = Object.keys(draft.wrong.value).length > 0;
  return (
    <section class="setting" data-setting={draft.key} aria-labelledby={id}>
      <div class="setting-top">
        <h2 id={id}>{title}</h2>
        {kept !== null && (
          <span class="faint">
            {kept.by === null || kept.at === null
              ? t.never
              : t.version(kept.version, personText(kept.by), moment(kept.at, null))}
          </span>
        )}
      </div>
      <p class="faint">{lead}</p>
      {kept === null ? (
        <p class="nothing">{common.value.loading}</p>
      ) : (
        <form
          novalidate
          onSubmit={(event) => {
            event.preventDefault();
            void draft.save();
          }}
        >
          <fieldset disabled={!maySet()}>{children}</fieldset>
          <Conflict draft={draft} />
          <div role="alert">
            {draft.problem.value !== null && (
              <p class="problem">
                <Icon name="breach" />
                {problemText(draft.problem.value)}
              </p>
            )}
            {wrong && draft.problem.value === null && (
              <p class="problem">
                <Icon name="breach" />
                {t.wrongHere}
              </p>
            )}
          </div>
          {maySet() && (
            <div class="setting-acts">
              <button
                type="submit"
                class="button"
                data-kind="primary"
                disabled={draft.busy.value || !draft.dirty.value}
              >
                {common.value.save}
              </button>
              {draft.dirty.value && (
                <button
                  type="button"
                  class="button"
                  data-kind="quiet"
                  onClick={() => draft.revert()}
                >
                  {t.revert}
                </button>
              )}
              <span class="setting-state" role="status">
                {draft.saved.value && !draft.dirty.value && (
                  <>
                    <Icon name="calm" />
                    {t.saved}
                  </>
                )}
                {draft.dirty.value && t.unsaved}
              </span>
            </div>
          )}
        </form>
      )}
    </section>
  );
}

/** Somebody else was quicker: whose is to hold is for this person to say. */
function Conflict({ draft }: { draft: Draft }) {
  const t = settingsWords.value.conflict;
  const theirs = draft.conflict.value;
  return (
    <div role="alert">
      {theirs !== null && (
        <div class="notice setting-conflict">
          <p>
            <strong>{t.title}</strong>
          </p>
          <p>{t.lead(personText(theirs.by ?? ""), moment(theirs.at ?? 0, null))}</p>
          <p class="setting-acts">
            <button
              type="button"
              class="button"
              disabled={draft.busy.value}
              onClick={() => draft.revert()}
            >
              {t.theirs}
            </button>
            <button
              type="button"
              class="button"
              disabled={draft.busy.value}
              onClick={() => void draft.save(theirs.version)}
            >
              {t.mine}
            </button>
          </p>
        </div>
      )}
    </div>
  );
}

interface InputProps {
  readonly draft: Draft;
  readonly name: string;
  readonly label: string;
  /** Whose mistakes are shown here; else the field's own. */
  readonly of?: string;
  readonly disabled?: boolean;
  /** What holds while the field is empty; else the default of the field's name. */
  readonly fallback?: string | undefined;
}

/** A number's field in a table or a row; what is wrong stands below it. */
export function Input(props: InputProps) {
  const { draft, name, label, of = name, disabled = false } = props;
  const wrong = draft.wrong.value[of];
  const id = `${draft.key}.${name}`;
  return (
    <input
      id={id}
      name={name}
      type="text"
      inputMode="decimal"
      autocomplete="off"
      aria-label={label}
      aria-invalid={wrong === undefined ? undefined : true}
      aria-describedby={wrong === undefined ? undefined : `${draft.key}.${of}.wrong`}
      disabled={disabled}
      placeholder={props.fallback ?? draft.defaults.value[name]}
      value={draft.fields.value[name] ?? ""}
      onInput={(event) => draft.set(name, event.currentTarget.value)}
    />
  );
}

/** What is wrong with a field. */
export function FieldError({ draft, of }: { draft: Draft; of: string }) {
  const wrong = draft.wrong.value[of];
  if (wrong === undefined) return null;
  return (
    <p id={`${draft.key}.${of}.wrong`} class="field-error">
      <Icon name="breach" />
      {wrong}
    </p>
  );
}

/** A number with its label above. */
export function Field(props: InputProps) {
  const { draft, name, label } = props;
  const wrong = draft.wrong.value[name] !== undefined;
  return (
    <div class="field" data-wrong={wrong ? "yes" : "no"}>
      <label for={`${draft.key}.${name}`}>{label}</label>
      <Input {...props} />
      <FieldError draft={draft} of={name} />
    </div>
  );
}

/** A box that says "yes" or nothing. */
export function Check({ draft, name, label }: InputProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        name={name}
        checked={draft.fields.value[name] === "yes"}
        onChange={(event) => draft.set(name, event.currentTarget.checked ? "yes" : "")}
      />
      {label}
    </label>
  );
}
