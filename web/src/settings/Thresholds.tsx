import { unitOf, wordsOf } from "../board/figures";
import { StrengthTag } from "../ui/parts";
import { METRICS, thresholds } from "./drafts";
import { FieldError, Input, Section } from "./parts";
import { SIDES } from "./values";
import { settingsWords } from "./words";

/** When figures take colour. */
export function ThresholdsSection() {
  const t = settingsWords.value.thresholds;
  const units: Readonly<Record<string, string>> = t.unit;
  return (
    <Section draft={thresholds} title={t.title} lead={t.lead}>
      <table class="setting-table">
        <thead>
          <tr>
            <th scope="col">{t.metric}</th>
            <th scope="col">
              <StrengthTag strength="warning" word={t.warn} />
            </th>
            <th scope="col">
              <StrengthTag strength="breach" word={t.breach} />
            </th>
          </tr>
        </thead>
        <tbody>
          {METRICS.map((key) => {
            const { name, formula } = wordsOf(key);
            const unit = units[unitOf(key)] ?? "";
            return (
              <tr key={key}>
                <th scope="row" title={formula}>
                  {name} {unit !== "" && <span class="faint">{unit}</span>}
                </th>
                {SIDES.map((side) => {
                  const field = `metrics.${key}.${side}`;
                  return (
                    <td key={side}>
                      <Input draft={thresholds} name={field} label={`${name} ${t[side]} ${unit}`} />
                      <FieldError draft={thresholds} of={field} />
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </Section>
  );
}
