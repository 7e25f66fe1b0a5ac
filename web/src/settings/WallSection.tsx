import { PERIODS } from "../wall/options";
import { queues, wall } from "./drafts";
import { Check, Field, Section } from "./parts";
import { settingsWords } from "./words";

/** What the walls show, in turn. */
export function WallSection() {
  const t = settingsWords.value.wall;
  const chosen = (wall.fields.value.queues ?? "").split("\n").filter((name) => name !== "");
  return (
    <Section draft={wall} title={t.title} lead={t.lead}>
      <div class="setting-row">
        <Field draft={wall} name="seconds" label={t.seconds} />
        <div class="field">
          <label for="wall.period">{t.period}</label>
          <select
            id="wall.period"
            value={wall.fields.value.period}
            onChange={(event) => wall.set("period", event.currentTarget.value)}
          >
            {PERIODS.map((period) => (
              <option key={period} value={period}>
                {t.periods[period]}
              </option>
            ))}
          </select>
        </div>
      </div>
      <Check draft={wall} name="overview" label={t.overview} />
      <Check draft={wall} name="chart" label={t.chart} />
      <fieldset class="setting-queues">
        <legend>
          {t.queues} <span class="faint">{t.queuesAll}</span>
        </legend>
        {[...queues.value].map(([name, label]) => (
          <label key={name} class="check">
            <input
              type="checkbox"
              checked={chosen.includes(name)}
              onChange={(event) => {
                const others = chosen.filter((other) => other !== name);
                const next = event.currentTarget.checked ? [...others, name] : others;
                wall.set("queues", next.join("\n"));
              }}
            />
            {label}
          </label>
        ))}
      </fieldset>
      <a class="link" href="./wall">
        {t.open}
      </a>
    </Section>
  );
}
