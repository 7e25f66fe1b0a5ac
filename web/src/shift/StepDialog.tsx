import { useSignal } from "@preact/signals";
import type { Problem } from "../api/client";
import type { OrderChange, OrderView } from "../api/types";
import { commandWord } from "../desk/history";
import { say } from "../desk/state";
import { moment } from "../desk/ui";
import { common } from "../i18n/common";
import { form } from "../live/form";
import { labelText, problemText } from "../live/problem";
import { store } from "../live/store";
import { momentOf } from "../model/dates";
import { Dialog } from "../ui/Dialog";
import { draftOf, dropDraft, keepDraft } from "./drafts";
import { offset } from "./duties";
import { gistText, unitOf } from "./Life";
import { FieldError, Input, Refused, Tel } from "./parts";
import { changesSince, give, people, personText, shown } from "./state";
import {
  commandOf,
  dueDays,
  FORMS,
  type FormStep,
  lacks,
  NOTHING_TYPED,
  type Place,
  placeOf,
  type Typed,
} from "./steps";
import { closeShiftDialog } from "./ui";
import { shiftWords } from "./words";

/** What was typed and not sent comes back with the dialog, even over a reload or a logout. */
function draftName(step: FormStep, id: string): string {
  return `step ${id} ${step}`;
}

function typedBefore(step: FormStep, order: OrderView | null): Typed {
  const kept = order === null ? "" : draftOf(draftName(step, order.id));
  let before: Partial<Typed> = {};
  try {
    const said: unknown = JSON.parse(kept || "{}");
    if (typeof said === "object" && said !== null) before = said as Partial<Typed>;
  } catch {
    before = {};
  }
  const again = step === "dispatch" && order?.dispatch != null ? order.dispatch : null;
  const of = { unit: again?.unit ?? "", person: again?.person ?? "" };
  return { ...NOTHING_TYPED, ...of, ...before };
}

/** One step of an order: its places, and what is wrong with them where they are. */
export function StepDialog({ step, id }: { step: FormStep; id: string }) {
  const t = shiftWords.value;
  const order = shown.value;
  const typed = useSignal<Typed>(typedBefore(step, order));
  const version = useSignal(order?.version ?? 0);
  const refused = useSignal<Problem | null>(null);
  const wrong = useSignal<Partial<Record<Place, string>>>({});
  const clash = useSignal<readonly OrderChange[] | null>(null);
  const busy = useSignal(false);
  if (order === null || order.id !== id) return null;
  const { places } = FORMS[step];
  const write = (place: Place, value: string | number) => {
    typed.value = { ...typed.value, [place]: value };
    const { [place]: _mended, ...rest } = wrong.value;
    wrong.value = rest;
    keepDraft(draftName(step, id), JSON.stringify(typed.value));
  };
  const send = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    const lacking = lacks(step, typed.value);
    if (lacking !== null) {
      wrong.value = { [lacking]: t.place.required };
      document
        .querySelector<HTMLElement>(
          `[data-place="${lacking}"] :is(input, select, textarea, button)`,
        )
        ?.focus();
      return;
    }
    busy.value = true;
    const wall = typed.value.due === "" ? null : momentOf(typed.value.due, offset.value);
    const due = wall === null ? null : wall + (store.pbx(`pbx:${order.pbx}`)?.clock_offset_s ?? 0);
    const answer = await give(id, commandOf(step, typed.value, due), version.value);
    busy.value = false;
    if (answer.ok) {
      dropDraft(draftName(step, id));
      closeShiftDialog();
      say(t.done[step]);
      return;
    }
    if (answer.problem.status === 412) {
      clash.value = await changesSince(id, version.value);
      version.value = answer.problem.current?.version ?? version.value;
      refused.value = null;
      return;
    }
    const places: Partial<Record<Place, string>> = {};
    for (const one of answer.problem.missing) {
      const place = placeOf(one.field);
      if (place !== null) places[place] = problemText(one);
    }
    const named = answer.problem.field === null ? null : placeOf(answer.problem.field);
    if (named !== null) places[named] ??= problemText(answer.problem);
    wrong.value = places;
    refused.value = Object.keys(places).length > 0 ? null : answer.problem;
  };
  const may = order.allowed.includes(step);
  return (
    <Dialog title={`${t.step[step]} · ${order.title || order.id}`} onClose={closeShiftDialog}>
      <form
        class="stack sl-step"
        onSubmit={(event) => void send(event)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && event.ctrlKey) void send(event);
        }}
      >
        <p class="faint">{t.lead[step]}</p>
        {clash.value !== null && (
          <Clash order={order} changes={clash.value} step={step} may={may} />
        )}
        {places.map((place) => (
          <PlaceField
            key={place}
            place={place}
            step={step}
            typed={typed.value}
            wrong={wrong.value[place] ?? null}
            write={write}
          />
        ))}
        <Refused problem={refused.value} />
        <div class="dialog-actions">
          <button type="button" class="button" data-kind="quiet" onClick={closeShiftDialog}>
            {common.value.cancel}
          </button>
          <button
            type="submit"
            class="button"
            data-kind="primary"
            disabled={busy.value || (clash.value !== null && !may)}
          >
            {clash.value === null ? t.step[step] : t.clash.goOn(t.step[step])} <kbd>Ctrl+Enter</kbd>
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** What somebody else did meanwhile: nothing is done over it without a second word. */
function Clash(of: {
  order: OrderView;
  changes: readonly OrderChange[];
  step: FormStep;
  may: boolean;
}) {
  const t = shiftWords.value;
  const by = of.changes.find((change) => change.by !== null)?.by ?? null;
  const state = common.value.orderState[of.order.state];
  return (
    <div class="notice sl-clash" role="alert">
      <strong>{t.clash.title}</strong>
      <p>{t.clash.lead(by === null ? t.clash.someone : personText(by))}</p>
      <ul class="lines">
        {of.changes.map((change) => (
          <li key={change.version}>
            <time>{moment(change.at, of.order.pbx)}</time>
            <span>
              <strong>{commandWord(change)}</strong> {change.by !== null && personText(change.by)}{" "}
              {gistText(change) || t.clash.nothing}
            </span>
          </li>
        ))}
      </ul>
      {!of.may && <p>{t.clash.notAny(t.step[of.step], state)}</p>}
    </div>
  );
}

interface PlaceProps {
  readonly place: Place;
  readonly step: FormStep;
  readonly typed: Typed;
  readonly wrong: string | null;
  readonly write: (place: Place, value: string | number) => void;
}

function PlaceField({ place, step, typed, wrong, write }: PlaceProps) {
  const t = shiftWords.value.place;
  const id = `sl-step-${place}`;
  const names: Readonly<Record<Place, string>> = {
    unit: t.unit,
    person: t.person,
    days: t.days,
    due: t.due,
    text: t.text[step],
    satisfaction: t.satisfaction,
    to: t.to,
  };
  const needed = FORMS[step].needed.includes(place);
  const input = (type: "text" | "number" | "datetime-local", placeholder = "") => (
    <Input
      id={id}
      type={type}
      value={String(typed[place])}
      placeholder={placeholder}
      onInput={(value) => write(place, value)}
    />
  );
  return (
    <div class="field" data-place={place} data-wrong={wrong === null ? "no" : "yes"}>
      <label for={id}>
        {names[place]} {needed && <span class="required">*</span>}
      </label>
      {place === "unit" && <UnitField id={id} typed={typed} write={write} />}
      {place === "person" && input("text")}
      {place === "days" && input("number", daysHint(typed))}
      {place === "due" && input("datetime-local")}
      {place === "text" && (
        <textarea
          id={id}
          rows={3}
          value={typed.text}
          placeholder={needed ? "" : t.optional}
          onInput={(event) => write("text", event.currentTarget.value)}
        />
      )}
      {place === "satisfaction" && <Scores typed={typed} write={write} />}
      {place === "to" && (
        <select
          id={id}
          value={typed.to}
          onChange={(event) => write("to", event.currentTarget.value)}
        >
          <option value="">{t.toChoose}</option>
          {people.value.map(({ login, name }) => (
            <option key={login} value={login}>
              {name} {login}
            </option>
          ))}
        </select>
      )}
      <FieldError text={wrong} />
    </div>
  );
}

function daysHint(typed: Typed): string {
  const t = shiftWords.value.place;
  const days = dueDays(form.value?.units ?? [], typed.unit);
  return days === null ? t.daysUsual : t.daysDefault(days);
}

function UnitField(of: Pick<PlaceProps, "typed" | "write"> & { id: string }) {
  const t = shiftWords.value.place;
  const units = form.value?.units ?? [];
  if (units.length === 0)
    return (
      <>
        <input
          id={of.id}
          value={of.typed.unit}
          onInput={(event) => of.write("unit", event.currentTarget.value)}
        />
        <span class="faint">{t.noUnits}</span>
      </>
    );
  const unit = unitOf(of.typed.unit);
  return (
    <>
      <select
        id={of.id}
        value={of.typed.unit}
        onChange={(event) => {
          const next = units.find(({ key }) => key === event.currentTarget.value);
          const before = unitOf(of.typed.unit)?.contact ?? "";
          of.write("unit", event.currentTarget.value);
          // The unit's own contact, unless somebody else was written there.
          if (of.typed.person === "" || of.typed.person === before)
            of.write("person", next?.contact ?? "");
        }}
      >
        <option value="">{t.unitChoose}</option>
        {units.map(({ key, label }) => (
          <option key={key} value={key}>
            {labelText(label)}
          </option>
        ))}
      </select>
      {unit !== null && (
        <span class="sl-unit">
          {unit.phone === "" ? (
            <span class="faint">{t.noPhone}</span>
          ) : (
            <Tel number={unit.phone}>{unit.contact}</Tel>
          )}
        </span>
      )}
    </>
  );
}

function Scores({ typed, write }: Pick<PlaceProps, "typed" | "write">) {
  const t = shiftWords.value.place.scores;
  const words = [t.s1, t.s2, t.s3, t.s4, t.s5];
  return (
    <div class="choices" role="group">
      {words.map((word, index) => (
        <button
          key={word}
          type="button"
          class="button"
          data-score={index + 1}
          {...(index === 0 ? { "data-first": "yes" } : {})}
          aria-pressed={typed.satisfaction === index + 1}
          onClick={() => write("satisfaction", index + 1)}
        >
          {index + 1} {word}
        </button>
      ))}
    </div>
  );
}
