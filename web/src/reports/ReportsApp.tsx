import { useEffect } from "preact/hooks";
import { useAsk } from "../history/ask";
import { Loading, Refusal } from "../history/parts";
import { common } from "../i18n/common";
import { form } from "../live/form";
import { labelText } from "../live/problem";
import { may, me } from "../live/session";
import { FloatingNote } from "../ui/floating";
import { PageHeader } from "../ui/PageHeader";
import { PagesNav } from "../ui/PagesNav";
import { Choose } from "./Choose";
import { place, queryOf } from "./place";
import { ReportView } from "./ReportView";
import type { Report } from "./types";
import { reportsWords } from "./words";

export function ReportsApp() {
  if (me.value === null || form.value === null)
    return (
      <p class="starting" role="status">
        {common.value.waitingForServer}
      </p>
    );
  return (
    <div class="app hx rp">
      <PageHeader page="reports">
        <PagesNav page="reports" />
      </PageHeader>
      <main class="hx-main" aria-label={reportsWords.value.title} tabIndex={-1}>
        <Shown />
      </main>
      <FloatingNote />
    </div>
  );
}

function Shown() {
  const t = reportsWords.value;
  // Whoever may not see the board sees the own figures.
  const query = queryOf(may("board") ? place.value : { ...place.value, by: "person" });
  const asked = useAsk<Report>(query === null ? null : "reports", query ?? {});
  const report = asked.problem === null ? asked.value : null;
  useEffect(() => {
    const name = report === null ? t.title : labelText(report.title);
    document.title = `${name} · agentd`;
  }, [report, t]);
  return (
    <div class="hx-page rp-page">
      <Choose report={report} />
      <Refusal problem={asked.problem} again={asked.again} />
      {query === null && <p class="hx-empty">{t.incomplete}</p>}
      {asked.loading && <Loading />}
      {report !== null && <ReportView report={report} />}
    </div>
  );
}
