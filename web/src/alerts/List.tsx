import { messages } from "../i18n";
import { common } from "../i18n/common";
import { moment, personText } from "../history/ask";
import { may } from "../live/session";
import { store } from "../live/store";
import { limit, measure } from "../model/format";
import { alertStrength } from "../model/rules";
import { Icon } from "../ui/icons";
import { queueLabel } from "../ui/words";
import {
  acknowledge,
  type AlertLine,
  chosen,
  filter,
  hasRoom,
  lines,
  loadMore,
  noting,
} from "./state";
import { alertsWords } from "./words";

/** The alerts, the latest first. */
export function List() {
  const t = alertsWords.value;
  const found = lines.value;
  if (found === null)
    return (
      <p class="nothing" role="status">
        {common.value.loading}
      </p>
    );
  return (
    <section class="inbox-list" aria-label={t.heading}>
      {found.length === 0 && <p class="nothing">{filter.value.open ? t.noneOpen : t.none}</p>}
      <ul>
        {found.map((line) => (
          <Line key={line.id} line={line} />
        ))}
      </ul>
      {hasRoom.value && (
        <button type="button" class="button" onClick={loadMore}>
          {t.more}
        </button>
      )}
      {found.length > 0 && may("orders.lead") && <p class="inbox-keys">{t.keys}</p>}
    </section>
  );
}

function Line({ line }: { line: AlertLine }) {
  const t = alertsWords.value;
  const strength = alertStrength(line.level, line.rule);
  const rule = messages.value.rule[line.rule] ?? line.rule;
  const seat = seatLabel(line);
  const first = line.notes[0];
  const own = chosen.value === line.id;
  return (
    <li
      id={`alert-${line.id}`}
      class="inbox-line"
      data-strength={strength}
      data-chosen={own ? "yes" : "no"}
      data-open={first === undefined ? "yes" : "no"}
      aria-current={own ? "true" : undefined}
      onClick={() => {
        chosen.value = line.id;
      }}
    >
      <span class="inbox-level">
        <Icon name={strength} />
        {strength === "urgent" ? messages.value.strength.urgent : t.levels[line.level]}
      </span>
      <span class="inbox-what">
        <strong>{rule}</strong>
        {line.value_s !== null && (
          <span>
            {line.limit_s === null
              ? measure(line.value_s)
              : t.value(measure(line.value_s), limit(line.limit_s))}
          </span>
        )}
      </span>
      <span class="inbox-who">
        <strong>{line.agent === null ? t.nobody : personText(line.agent)}</strong>
        <span>
          {[seat ?? t.noSeat, line.queue === null ? null : queueLabel(line.pbx, line.queue)]
            .filter((part) => part !== null)
            .join(messages.value.separator)}
        </span>
      </span>
      <time>{moment(line.at, line.pbx)}</time>
      <span class="inbox-acts">
        {line.call !== null && may("orders.read") && (
          <a
            class="button"
            data-kind="quiet"
            href={`./calls?${new URLSearchParams({ call: `${line.pbx}/${line.call}` }).toString()}`}
          >
            {t.call}
          </a>
        )}
        {may("orders.lead") && (
          <>
            <button
              type="button"
              class="button"
              data-kind="quiet"
              data-does="note"
              onClick={() => {
                chosen.value = line.id;
                noting.value = line;
              }}
            >
              {t.note}
            </button>
            {first === undefined && (
              <button
                type="button"
                class="button"
                data-does="acknowledge"
                aria-label={`${t.acknowledge}: ${rule}, ${seat ?? t.noSeat}`}
                onClick={() => void acknowledge(line, "")}
              >
                {t.acknowledge}
              </button>
            )}
          </>
        )}
      </span>
      {first !== undefined && (
        <ul class="inbox-notes">
          {line.notes.map((note, index) => (
            <li key={`${note.at} ${index}`}>
              <Icon name="calm" />
              <span class="faint">
                {t.acknowledged(personText(note.by), moment(note.at, null))}
              </span>
              {note.note !== "" && <span>{note.note}</span>}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function seatLabel(line: AlertLine): string | null {
  if (line.seat === null) return null;
  return store.seat(`seat:${line.pbx}/${line.seat}`)?.label ?? line.seat;
}
