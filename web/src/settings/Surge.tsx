import { ownQueues, QUEUES, queues, surge } from "./drafts";
import { FieldError, Field, Input, Section } from "./parts";
import { SURGE_LEVELS, SURGE_MEASURES } from "./values";
import { settingsWords } from "./words";

/** When a surge is announced (话务预警). */
export function SurgeSection() {
  const t = settingsWords.value.surge;
  const own = ownQueues(surge.fields.value);
  const left = [...queues.value].filter(([name]) => !own.includes(name));
  const put = (names: readonly string[]) => surge.set(QUEUES, [...names].sort().join("\n"));
  return (
    <Section draft={surge} title={t.title} lead={t.lead}>
      <Steps at="default" title={t.all} />
      {own.map((name) => (
        <div key={name} class="setting-queue">
          <Steps at={`queues.${name}`} title={t.own(queues.value.get(name) ?? name)} />
          <button
            type="button"
            class="button"
            data-kind="quiet"
            onClick={() => put(own.filter((other) => other !== name))}
          >
            {t.remove}
          </button>
        </div>
      ))}
      {left.length > 0 && (
        <div class="field setting-add">
          <label for="surge.add">{t.add}</label>
          <select
            id="surge.add"
            value=""
            onChange={(event) => {
              const { value } = event.currentTarget;
              if (value !== "") put([...own, value]);
              event.currentTarget.value = "";
            }}
          >
            <option value="">{t.choose}</option>
            {left.map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </div>
      )}
      <div class="setting-row">
        <Field draft={surge} name="calm_s" label={t.calm_s} />
        <Field draft={surge} name="service_level_min_calls" label={t.service_level_min_calls} />
        <Field draft={surge} name="fold_level" label={t.fold_level} />
      </div>
    </Section>
  );
}

/** The limits of the three levels, for all queues or for one. */
function Steps({ at, title }: { at: string; title: string }) {
  const t = settingsWords.value.surge;
  // A queue without limits of its own has everybody's: those that are being written here, too.
  const fallback = (key: string, level: number) => {
    const fields = at === "default" ? {} : surge.fields.value;
    if (fields[`default.${key}.off`] === "yes") return undefined;
    return fields[`default.${key}.${level}`] || surge.defaults.value[`default.${key}.${level}`];
  };
  return (
    <table class="setting-table">
      <caption>{title}</caption>
      <thead>
        <tr>
          <th scope="col">{t.measure}</th>
          {SURGE_LEVELS.map((level) => (
            <th key={level} scope="col">
              {t.level(level)}
            </th>
          ))}
          <th scope="col">{t.off}</th>
        </tr>
      </thead>
      <tbody>
        {SURGE_MEASURES.map(({ key }) => {
          const field = `${at}.${key}`;
          const off = surge.fields.value[`${field}.off`] === "yes";
          return (
            <tr key={key}>
              <th scope="row">
                {t[key]}
                <FieldError draft={surge} of={field} />
              </th>
              {SURGE_LEVELS.map((level) => (
                <td key={level}>
                  <Input
                    draft={surge}
                    name={`${field}.${level}`}
                    of={field}
                    fallback={fallback(key, level)}
                    label={`${title} ${t[key]} ${t.level(level)}`}
                    disabled={off}
                  />
                </td>
              ))}
              <td class="setting-off">
                <input
                  type="checkbox"
                  aria-label={`${title} ${t[key]} ${t.off}`}
                  checked={off}
                  onChange={(event) =>
                    surge.set(`${field}.off`, event.currentTarget.checked ? "yes" : "")
                  }
                />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
