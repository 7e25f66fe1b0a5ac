import { useSignalEffect } from "@preact/signals";
import { Asking } from "../board/Ask";
import { ControlMenu } from "../board/Menu";
import { Said } from "../board/Said";
import { messages } from "../i18n";
import { store } from "../live/store";
import { Alerts } from "./Alerts";
import { FloatingNote } from "./floating";
import { Header } from "./Header";
import { Lane } from "./Lane";
import { Part } from "./Part";
import { Queues } from "./Queues";
import { Seats } from "./Seats";
import { StaleBanner } from "./Stale";

export function App() {
  const t = messages.value;
  const feed = store.feed.value;
  useSignalEffect(() => {
    const count = store.troubleKeys.value.length;
    const title = `${messages.value.title} – agentd`;
    document.title = count === 0 ? title : `(${count}) ${title}`;
  });
  return (
    <div class="app" data-stale={feed.is === "live" ? "no" : "yes"}>
      <a class="skip" href="#seats">
        {t.skipToSeats}
      </a>
      <Header />
      <div class="banners">
        <StaleBanner />
      </div>
      {store.loaded.value ? (
        <div class="body">
          <main class="board">
            <Part>
              <Lane />
            </Part>
            <Part>
              <Queues />
            </Part>
            <Part>
              <Seats />
            </Part>
          </main>
          <Part>
            <Alerts />
          </Part>
        </div>
      ) : (
        <p class="starting" role="status">
          {t.stale.connecting}
        </p>
      )}
      <FloatingNote />
      <ControlMenu />
      <Asking />
      <Said />
    </div>
  );
}
