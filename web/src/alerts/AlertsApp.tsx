import { useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { messages } from "../i18n";
import { common } from "../i18n/common";
import { problemText } from "../live/problem";
import { may, me } from "../live/session";
import { store } from "../live/store";
import { FloatingNote } from "../ui/floating";
import { Icon } from "../ui/icons";
import { PageHeader } from "../ui/PageHeader";
import { PagesNav } from "../ui/PagesNav";
import { StaleBanner } from "../ui/Stale";
import { Filters } from "./Filters";
import { Load } from "./Load";
import { List } from "./List";
import { NoteDialog } from "./NoteDialog";
import { acknowledge, chosenLine, noting, problem, step, told } from "./state";
import { alertsWords } from "./words";

export function AlertsApp() {
  const t = alertsWords.value;
  useSignalEffect(() => {
    document.title = `${common.value.nav.alerts} – agentd`;
  });
  useKeys();
  if (me.value === null)
    return (
      <p class="starting" role="status">
        {common.value.waitingForServer}
      </p>
    );
  const stale = store.feed.value.is !== "live";
  return (
    <div class="app inbox" data-stale={stale ? "yes" : "no"}>
      <PageHeader page="alerts">
        <PagesNav page="alerts" />
      </PageHeader>
      <div class="banners">
        <StaleBanner />
        {problem.value !== null && (
          <p class="problem" role="alert">
            <Icon name="breach" />
            {problemText(problem.value)}
          </p>
        )}
      </div>
      {!may("board") ? (
        <main class="inbox-none">
          <p>{t.noRight}</p>
        </main>
      ) : store.loaded.value ? (
        <div class="inbox-body">
          <main class="inbox-main">
            <Filters />
            <List />
          </main>
          <Load />
        </div>
      ) : (
        <p class="starting" role="status">
          {messages.value.stale.connecting}
        </p>
      )}
      <p class="unseen" role="status" aria-live="polite">
        {told.value}
      </p>
      {noting.value !== null && <NoteDialog key={noting.value.id} line={noting.value} />}
      <FloatingNote />
    </div>
  );
}

/** One key for each thing that is done often. */
function useKeys(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      const at = event.target;
      const typing =
        at instanceof HTMLInputElement ||
        at instanceof HTMLTextAreaElement ||
        at instanceof HTMLSelectElement;
      if (typing || document.querySelector("[data-dialog]") !== null) return;
      if (act(event.key.toLowerCase())) event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

/** Do what `key` stands for; false: it stands for nothing. */
function act(key: string): boolean {
  const line = chosenLine.peek();
  switch (key) {
    case "j":
    case "arrowdown":
      step(1);
      return true;
    case "k":
    case "arrowup":
      step(-1);
      return true;
    case "f":
      document.getElementById("filter-rule")?.focus();
      return true;
    case "a":
      if (line !== null && may("orders.lead") && line.notes.length === 0)
        void acknowledge(line, "");
      return line !== null;
    case "n":
      if (line !== null && may("orders.lead")) noting.value = line;
      return line !== null;
  }
  return false;
}
