import { messages } from "../i18n";
import { store } from "../live/store";
import { LEVELS, RULES } from "../model/types";
import { EVERYTHING, type Filter, SPANS, type SpanName } from "./filter";
import { filter, hasRoom, lines, more, narrow } from "./state";
import { alertsWords } from "./words";

/** What is listed. */
export function Filters() {
  const t = alertsWords.value;
  const now = filter.value;
  const names = new Set(
    store.queueKeys.value.map((key) => store.queue(key)?.name).filter((name) => name !== undefined),
  );
  if (now.queue !== "") names.add(now.queue);
  const label = (name: string) => {
    for (const key of store.queueKeys.value) {
      const queue = store.queue(key);
      if (queue?.name === name) return queue.label;
    }
    return name;
  };
  const changed = writeable(now);
  const count = lines.value?.length ?? 0;
  return (
    <form
      class="inbox-filters"
      role="search"
      aria-label={t.filters}
      onSubmit={(event) => event.preventDefault()}
    >
      <Choice
        name="rule"
        id="filter-rule"
        label={t.rule}
        options={RULES.map((rule) => [rule, messages.value.rule[rule]])}
      />
      <Choice
        name="level"
        label={t.level}
        options={LEVELS.map((level) => [level, t.levels[level]])}
      />
      <Choice
        name="queue"
        label={t.queue}
        options={[...names].map((name) => [name, label(name)])}
      />
      <Text name="seat" label={t.seat} hint={t.seatHint} />
      <Text name="person" label={t.person} hint={t.personHint} />
      <div class="field">
        <label for="filter-span">{t.time}</label>
        <select
          id="filter-span"
          value={now.span}
          onChange={(event) => narrow({ span: event.currentTarget.value as SpanName })}
        >
          {SPANS.map((span) => (
            <option key={span} value={span}>
              {t.spans[span]}
            </option>
          ))}
        </select>
      </div>
      <label class="check">
        <input
          type="checkbox"
          name="open"
          checked={now.open}
          onChange={(event) => narrow({ open: event.currentTarget.checked })}
        />
        {t.open}
      </label>
      <span class="inbox-count" role="status">
        {lines.value === null ? "" : t.count(count, more.value || hasRoom.value)}
      </span>
      {changed && (
        <button
          type="button"
          class="button"
          data-kind="quiet"
          onClick={() => narrow({ ...EVERYTHING })}
        >
          {t.clear}
        </button>
      )}
    </form>
  );
}

function writeable(now: Filter): boolean {
  return (Object.keys(EVERYTHING) as (keyof Filter)[]).some((key) => now[key] !== EVERYTHING[key]);
}

interface ChoiceProps {
  readonly name: "rule" | "level" | "queue";
  readonly id?: string;
  readonly label: string;
  readonly options: readonly (readonly [value: string, label: string])[];
}

function Choice({ name, id = `filter-${name}`, label, options }: ChoiceProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        name={name}
        value={filter.value[name]}
        onChange={(event) => narrow({ [name]: event.currentTarget.value })}
      >
        <option value="">{alertsWords.value.any}</option>
        {options.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}

function Text({ name, label, hint }: { name: "seat" | "person"; label: string; hint: string }) {
  return (
    <div class="field">
      <label for={`filter-${name}`}>{label}</label>
      <input
        id={`filter-${name}`}
        name={name}
        value={filter.value[name]}
        placeholder={hint}
        autocomplete="off"
        spellcheck={false}
        onChange={(event) => narrow({ [name]: event.currentTarget.value.trim() })}
      />
    </div>
  );
}
