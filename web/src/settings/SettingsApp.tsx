import { useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { messages } from "../i18n";
import { common } from "../i18n/common";
import { may, me } from "../live/session";
import { store } from "../live/store";
import { FloatingNote } from "../ui/floating";
import { PageHeader } from "../ui/PageHeader";
import { PagesNav } from "../ui/PagesNav";
import { StaleBanner } from "../ui/Stale";
import { drafts, maySet } from "./drafts";
import { SurgeSection } from "./Surge";
import { ThresholdsSection } from "./Thresholds";
import { WallSection } from "./WallSection";
import { settingsWords } from "./words";

export function SettingsApp() {
  const t = settingsWords.value;
  useSignalEffect(() => {
    document.title = `${common.value.nav.settings} – agentd`;
  });
  useEffect(() => {
    // Nothing typed is lost by a slip.
    const leaving = (event: BeforeUnloadEvent) => {
      if (drafts.some((draft) => draft.dirty.peek())) event.preventDefault();
    };
    addEventListener("beforeunload", leaving);
    return () => removeEventListener("beforeunload", leaving);
  }, []);
  if (me.value === null)
    return (
      <p class="starting" role="status">
        {common.value.waitingForServer}
      </p>
    );
  return (
    <div class="app settings" data-stale="no">
      <PageHeader page="settings">
        <PagesNav page="settings" />
      </PageHeader>
      <div class="banners">
        <StaleBanner />
      </div>
      {!may("board") ? (
        <main class="settings-main">
          <p>{t.noRight}</p>
        </main>
      ) : store.loaded.value ? (
        <main class="settings-main">
          <p class="settings-lead">{maySet() ? t.lead : t.readOnly}</p>
          <ThresholdsSection />
          <SurgeSection />
          <WallSection />
        </main>
      ) : (
        <p class="starting" role="status">
          {messages.value.stale.connecting}
        </p>
      )}
      <FloatingNote />
    </div>
  );
}
