import { useSignal } from "@preact/signals";
import { alertFoldedInto, surgeOf, surging } from "../board/surge";
import { FoldedAlerts } from "../board/SurgeCard";
import { board } from "../board/words";
import { messages } from "../i18n";
import { store } from "../live/store";
import { limit, measure } from "../model/format";
import { alertStrength } from "../model/rules";
import type { Alert } from "../model/types";
import { Icon } from "./icons";
import { alertSeat, pbxTime } from "./words";

/** As many as a screen holds; the others are asked for. */
const NEWEST = 25;

/** What happened, newest first. */
export function Alerts() {
  const t = messages.value;
  const { keys, folded } = unfolded();
  const all = useSignal(false);
  const shown = all.value ? keys : keys.slice(0, NEWEST);
  return (
    <aside class="alerts" aria-labelledby="alerts-heading">
      <div class="alerts-top">
        <h2 id="alerts-heading">{t.alerts.heading}</h2>
        <ActiveCount />
      </div>
      {keys.length + folded.length === 0 ? (
        <p class="nothing">{t.alerts.none}</p>
      ) : (
        // What scrolls must be reachable by keyboard.
        <ol class="alert-list" tabIndex={0} aria-labelledby="alerts-heading">
          {folded.map(([key, count]) => (
            <FoldedAlerts key={key} id={key} count={count} />
          ))}
          {shown.map((key) => (
            <AlertRow key={key} id={key} />
          ))}
          {keys.length > NEWEST && (
            <li key="more">
              <button
                type="button"
                class="control alert-more"
                aria-expanded={all.value}
                onClick={() => {
                  all.value = !all.value;
                }}
              >
                {all.value ? t.alerts.fewer : t.alerts.earlier(keys.length - shown.length)}
              </button>
            </li>
          )}
        </ol>
      )}
      <Announcer />
    </aside>
  );
}

/** The alerts without those that a surge stands for, and how many those are, by queue. */
function unfolded(): {
  keys: readonly string[];
  folded: readonly (readonly [string, number])[];
} {
  const all = store.alertKeys.value;
  const counts = new Map(surging.value.map((key) => [key, 0]));
  if (counts.size === 0) return { keys: all, folded: [] };
  const keys = all.filter((key) => {
    const alert = store.alert(key);
    const queue = alert === undefined ? null : alertFoldedInto(alert);
    if (queue !== null) counts.set(queue, (counts.get(queue) ?? 0) + 1);
    return queue === null;
  });
  return { keys, folded: [...counts] };
}

function ActiveCount() {
  const t = messages.value;
  const active = store.activeAlerts.value.length;
  return active === 0 ? null : <span class="active-count">{t.alerts.activeCount(active)}</span>;
}

function AlertRow({ id }: { id: string }) {
  const t = messages.value;
  const alert = store.alert(id);
  if (alert === undefined) return null;
  const strength = alertStrength(alert.level, alert.rule);
  const value = alert.value === null ? null : measure(alert.value);
  const most = alert.limit === null ? null : limit(alert.limit);
  return (
    <li
      class="alert"
      data-alert={id}
      data-strength={strength}
      data-cleared={alert.cleared_at === null ? "no" : "yes"}
    >
      <div class="alert-top">
        <span class="alert-level">
          <Icon name={strength} />
          {strength === "urgent" ? t.strength.urgent : t.level[alert.level]}
        </span>
        <span class="alert-rule">{t.rule[alert.rule]}</span>
        <time>{pbxTime(alert.at, alert.pbx)}</time>
      </div>
      <div class="alert-main">
        <span class="alert-who">{who(alert)}</span>
        {value !== null && (
          <span class="alert-value">
            {value}
            {most !== null && <span class="faint"> / {most}</span>}
          </span>
        )}
      </div>
      {alert.cleared_at !== null && !atOnce(alert) && (
        <div class="alert-cleared">
          <Icon name="calm" />
          {t.alerts.cleared(pbxTime(alert.cleared_at, alert.pbx))}
        </div>
      )}
    </li>
  );
}

/** A hang-up is over the moment it happens: there is nothing to clear. */
function atOnce(alert: Alert): boolean {
  return alert.rule === "hangup_order";
}

function who(alert: Alert): string {
  const t = messages.value;
  const names = [alertSeat(alert), alert.agent].filter((name) => name !== null);
  return names.length === 0 ? (alert.queue ?? t.unknown) : names.join(" ");
}

/** Tells screen readers what came in, without reading the whole list again. */
function Announcer() {
  const t = messages.value;
  const surges = surging.value.flatMap((key) => {
    const queue = store.queue(key);
    const surge = surgeOf(key);
    if (queue === undefined || surge === undefined) return [];
    return [`${board.value.surge.level(surge.level)}: ${queue.label}`];
  });
  const said = store.arrived.value.map((alert) =>
    t.alerts.announce(t.level[alert.level], who(alert), t.rule[alert.rule]),
  );
  return (
    <div class="unseen" role="log" aria-live="polite" aria-label={t.alerts.heading}>
      {surges.map((text) => (
        <p key={text}>{text}</p>
      ))}
      {said.map((text, index) => (
        <p key={`${index} ${text}`}>{text}</p>
      ))}
    </div>
  );
}
