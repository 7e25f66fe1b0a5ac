import { items } from "../api/client";
import type { Page } from "../api/types";
import { labelText } from "../live/problem";
import { Figure } from "../ui/parts";
import { personText, useAsk } from "./ask";
import type { FigureAsked } from "./filters";
import { GapMark, Go, queueText } from "./parts";
import { metricValue } from "./sums";
import type { Metric } from "./types";
import { historyWords } from "./words";

interface FigureShown {
  readonly value: number | null;
  readonly num: number;
  readonly den: number;
  readonly gap: boolean;
  readonly estimated: number;
}

interface FiguresShown {
  readonly figures: Readonly<Record<string, Readonly<Record<string, FigureShown>>>>;
}

/** Whose figure it is, in words. */
function scopeText(kind: string, name: string): string {
  const t = historyWords.value;
  if (kind === "site") return t.scope.site;
  if (kind === "person") return personText(name);
  const [pbx = "", rest = name] = [name.split("/")[0], name.split("/").slice(1).join("/")];
  if (kind === "queue") return queueText(rest, pbx);
  return kind === "seat" ? rest : name;
}

/** The figure whose calls are listed: its name, value, formula. */
export function FigureHead({ figure }: { figure: FigureAsked }) {
  const t = historyWords.value;
  const { kind, name, window } = figure;
  const table = useAsk<Page<Metric>>("metrics");
  const asked = useAsk<FiguresShown>("figures", { kind, name, window });
  const row =
    table.value === null ? null : items(table.value).find(({ key }) => key === figure.metric);
  const shown = asked.value?.figures[window]?.[figure.metric];
  const windows: Readonly<Record<string, string>> = t.window;
  return (
    <header class="hx-head">
      <h2>
        {t.calls.behind} <span class="hx-of">{row ? labelText(row.name) : figure.metric}</span>
      </h2>
      <p class="hx-facts">
        <span>{scopeText(kind, name)}</span>
        <span>{windows[window] ?? window}</span>
        {shown !== undefined && row && (
          <Figure name={labelText(row.name)} why={labelText(row.formula)}>
            <strong class="hx-big">{metricValue(row.unit, shown.value)}</strong>
          </Figure>
        )}
        {shown?.gap === true && <GapMark />}
        {row && <span class="faint">{labelText(row.formula)}</span>}
      </p>
      <Go to="calls" query={{}}>
        {t.calls.allCalls}
      </Go>
    </header>
  );
}
