import type { OrderChange, OrderView, Unit } from "../api/types";
import { commandWord } from "../desk/history";
import { moment, nowOf } from "../desk/ui";
import { common } from "../i18n/common";
import { form } from "../live/form";
import { labelText } from "../live/problem";
import { duration } from "../model/format";
import { Live } from "../ui/parts";
import { gist } from "./gist";
import { Tel } from "./parts";
import { history, personText } from "./state";
import { shiftWords } from "./words";

export function unitOf(key: string): Unit | null {
  return form.value?.units.find((unit) => unit.key === key) ?? null;
}

export function unitName(key: string): string {
  const unit = unitOf(key);
  return unit === null ? key : labelText(unit.label);
}

/** What people call a unit or a category; other texts as they are. */
function keyWord(text: string): string {
  const named = unitName(text);
  if (named !== text) return named;
  const reasons: Readonly<Record<string, string>> = shiftWords.value.order.why;
  const reason = reasons[text];
  if (reason !== undefined) return reason;
  const specs = Object.values(form.value?.categories ?? {}).flat();
  const spec = specs.find(({ key }) => key === text);
  return spec === undefined ? text : labelText(spec.label);
}

/** Where the order stands with the unit and the caller, with the unit one press away. */
export function Progress({ order }: { order: OrderView }) {
  const t = shiftWords.value.order;
  const { dispatch, answer, told, closing, revisit, forwarded } = order;
  const unit = dispatch === null ? null : unitOf(dispatch.unit);
  const due = dispatch?.due_at ?? null;
  const runs = order.state === "dispatched" && due !== null;
  const urgent = order.urgent !== null && order.urgent.process !== "" ? order.urgent : null;
  if (
    urgent === null &&
    forwarded === null &&
    dispatch === null &&
    closing === null &&
    told === null
  )
    return null;
  const said = (name: string, step: { at: number; by: string; text: string } | null) =>
    step !== null && (
      <div>
        <dt>{name}</dt>
        <dd>
          {step.text}{" "}
          <span class="faint">{`${personText(step.by)} ${moment(step.at, order.pbx)}`}</span>
        </dd>
      </div>
    );
  return (
    <section class="part">
      <dl class="sl-written">
        {urgent !== null && (
          <div>
            <dt>{common.value.command.handle_urgent}</dt>
            <dd>
              {[unitName(urgent.unit_called), urgent.process, urgent.method].join(" · ")}{" "}
              <span class="faint">{personText(urgent.handled_by)}</span>
            </dd>
          </div>
        )}
        {forwarded !== null && (
          <div>
            <dt>{t.forwarded}</dt>
            <dd>
              {moment(forwarded.at, order.pbx)} {personText(forwarded.by || null)}
              {forwarded.why !== "" && ` · ${t.forwardedWhy(keyWord(forwarded.why))}`}
            </dd>
          </div>
        )}
        {dispatch !== null && (
          <div>
            <dt>{t.dispatchedTo}</dt>
            <dd class="sl-unit">
              <span>
                {unitName(dispatch.unit)}
                {dispatch.person !== "" && ` · ${t.person} ${dispatch.person}`}
                {dispatch.text !== "" && ` · ${dispatch.text}`}
              </span>
              {unit !== null && unit.phone !== "" && <Tel number={unit.phone}>{unit.contact}</Tel>}
            </dd>
          </div>
        )}
        {dispatch !== null && due !== null && (
          <div>
            <dt>{t.due}</dt>
            <dd>
              {moment(due, order.pbx)}{" "}
              {runs && (
                <strong class="sl-due">
                  <Live
                    text={() => {
                      const now = nowOf(order.pbx);
                      if (now === null) return "";
                      return now >= due
                        ? t.dueOver(duration(now - due))
                        : t.dueLeft(duration(due - now));
                    }}
                  />
                </strong>
              )}
              {dispatch.reminded_at.length > 0 && (
                <span class="faint"> {t.reminded(dispatch.reminded_at.length)}</span>
              )}
            </dd>
          </div>
        )}
        {dispatch?.urged.map((step) => (
          <div key={step.at}>
            <dt>{t.urged}</dt>
            <dd>
              {step.text}{" "}
              <span class="faint">{`${personText(step.by)} ${moment(step.at, order.pbx)}`}</span>
            </dd>
          </div>
        ))}
        {said(t.answer, answer)}
        {said(t.told, told)}
        {said(t.closing, closing)}
        {revisit !== null && (
          <div>
            <dt>{t.revisit}</dt>
            <dd>
              {t.satisfaction(revisit.satisfaction)} {revisit.text}
            </dd>
          </div>
        )}
      </dl>
    </section>
  );
}

/** Every step so far: who, when, what. */
export function Life({ order }: { order: OrderView }) {
  const t = shiftWords.value;
  const found = history.value;
  if (found === null || found.id !== order.id) return null;
  return (
    <section class="part sl-life">
      <h3>{t.order.life}</h3>
      <ol class="lines" tabIndex={0} aria-label={t.order.life}>
        {[...found.lines].reverse().map((change) => (
          <li key={change.version}>
            <time>{moment(change.at, order.pbx)}</time>
            <span>
              <strong>{commandWord(change)}</strong>{" "}
              {change.by !== null && <span class="faint">{personText(change.by)}</span>}{" "}
              {gistText(change)}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** What a change says in words, the states in the language shown. */
export function gistText(change: OrderChange): string {
  const states: Readonly<Record<string, string>> = common.value.orderState;
  const found = gist(change);
  const moved =
    found.from === null || found.to === null
      ? ""
      : `${states[found.from] ?? found.from} → ${states[found.to] ?? found.to}`;
  return [...found.texts.map(keyWord), moved].filter((text) => text !== "").join(" · ");
}
