import { useId } from "preact/hooks";
import { fileUrl } from "../history/ask";
import { may } from "../live/session";
import { go, place, queryOf } from "./place";
import { around } from "./periods";
import { BYS, KINDS, type Report } from "./types";
import { reportsWords } from "./words";

/** Which report: whose, of when; and what to do with it. `report`: the one that is shown. */
export function Choose({ report }: { report: Report | null }) {
  const t = reportsWords.value;
  const ids = useId();
  const now = place.value;
  const query = queryOf(now);
  const bys = may("board") ? BYS : (["person"] as const);
  const step = report === null ? null : around(report.period);
  return (
    <form class="rp-choose" aria-label={t.choose} onSubmit={(event) => event.preventDefault()}>
      <div class="field">
        <label for={`${ids}-by`}>{t.by}</label>
        <select
          id={`${ids}-by`}
          value={now.by}
          onChange={(event) => {
            const by = BYS.find((one) => one === event.currentTarget.value);
            if (by !== undefined) go({ by, name: "" });
          }}
        >
          {bys.map((by) => (
            <option key={by} value={by}>
              {t.bys[by]}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for={`${ids}-kind`}>{t.kind}</label>
        <select
          id={`${ids}-kind`}
          value={now.period}
          onChange={(event) => {
            const period = KINDS.find((one) => one === event.currentTarget.value);
            if (period !== undefined) go({ period, at: "", shift: "", from: "", to: "" });
          }}
        >
          {KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {t.kinds[kind]}
            </option>
          ))}
        </select>
      </div>
      {now.period === "span" ? <Days ids={ids} /> : <At ids={ids} report={report} step={step} />}
      {now.period === "shift" && report !== null && <Shifts report={report} />}
      <Name ids={ids} report={report} />
      <label class="check" title={t.detailsWhy}>
        <input
          type="checkbox"
          checked={now.details}
          onChange={(event) => go({ details: event.currentTarget.checked })}
        />
        {t.details}
      </label>
      {report !== null && query !== null && (
        <span class="rp-files">
          <button type="button" class="button" onClick={() => print()}>
            {t.print}
          </button>
          {(["csv", "xlsx"] as const).map((kind) => (
            <a key={kind} class="button" href={fileUrl(`reports.${kind}`, query)} download>
              {kind.toUpperCase()}
              <span class="unseen"> {t.download}</span>
            </a>
          ))}
        </span>
      )}
    </form>
  );
}

interface AtProps {
  readonly ids: string;
  readonly report: Report | null;
  readonly step: { readonly before: string; readonly after: string } | null;
}

/** The date or month, with the ones beside it. */
function At({ ids, report, step }: AtProps) {
  const t = reportsWords.value;
  const now = place.value;
  const month = now.period === "month";
  const shown = now.at !== "" ? now.at : (report?.period.first ?? "");
  const fixed = now.period === "shift" ? { shift: report?.period.hours ?? now.shift } : {};
  return (
    <div class="field">
      <label for={`${ids}-at`}>{month ? t.month : t.date}</label>
      <span class="rp-at">
        <button
          type="button"
          class="button"
          aria-label={t.before}
          title={t.before}
          disabled={step === null}
          onClick={() => go({ at: step?.before ?? "", ...fixed })}
        >
          ‹
        </button>
        <input
          id={`${ids}-at`}
          type={month ? "month" : "date"}
          value={month ? shown.slice(0, 7) : shown}
          onChange={(event) => {
            if (event.currentTarget.value !== "") go({ at: event.currentTarget.value, ...fixed });
          }}
        />
        <button
          type="button"
          class="button"
          aria-label={t.after}
          title={t.after}
          disabled={step === null}
          onClick={() => go({ at: step?.after ?? "", ...fixed })}
        >
          ›
        </button>
        <button
          type="button"
          class="button"
          aria-pressed={now.at === ""}
          title={t.lastWhy}
          onClick={() => go({ at: "", shift: "" })}
        >
          {t.last}
        </button>
      </span>
    </div>
  );
}

function Days({ ids }: { ids: string }) {
  const t = reportsWords.value;
  const now = place.value;
  return (
    <>
      {(["from", "to"] as const).map((end) => (
        <div key={end} class="field">
          <label for={`${ids}-${end}`}>{t[end]}</label>
          <input
            id={`${ids}-${end}`}
            type="date"
            value={now[end]}
            onChange={(event) => go({ [end]: event.currentTarget.value })}
          />
        </div>
      ))}
    </>
  );
}

/** The configured shifts; several together are a split one. */
function Shifts({ report }: { report: Report }) {
  const t = reportsWords.value;
  const chosen = report.period.hours.split("+");
  const all = [...new Set([...report.shifts, ...chosen])];
  const choose = (hours: string, on: boolean) => {
    const next = all.filter((one) => (one === hours ? on : chosen.includes(one)));
    if (next.length > 0) go({ at: report.period.first, shift: next.join("+") });
  };
  return (
    <fieldset class="rp-shifts">
      <legend>
        {t.shift} <span class="faint">({t.splitHint})</span>
      </legend>
      {all.map((hours) => (
        <label key={hours} class="check">
          <input
            type="checkbox"
            checked={chosen.includes(hours)}
            onChange={(event) => choose(hours, event.currentTarget.checked)}
          />
          {hours}
        </label>
      ))}
    </fieldset>
  );
}

/** One of them alone, of those in the report. */
function Name({ ids, report }: { ids: string; report: Report | null }) {
  const t = reportsWords.value;
  const now = place.value;
  const lines = report?.lines ?? [];
  if (lines.length === 0 && now.name === "") return null;
  const known = lines.some(({ name }) => name === now.name);
  return (
    <div class="field">
      <label for={`${ids}-name`}>{t.one[now.by]}</label>
      <select
        id={`${ids}-name`}
        value={now.name}
        onChange={(event) => go({ name: event.currentTarget.value })}
      >
        <option value="">{t.everyone}</option>
        {!known && now.name !== "" && <option value={now.name}>{now.name}</option>}
        {lines.map(({ name, label }) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}
