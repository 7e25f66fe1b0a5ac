import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/forms.css";
import "./wall.css";
import { render } from "preact";
import { chooseLang, followLang } from "../i18n";
import { store } from "../live/store";
import { Stream, streamUrl } from "../live/stream";
import { access, askAccess, keepAccess } from "./access";
import { DEFAULTS, wallOptions } from "./options";
import { startRotation } from "./turn";
import { Wall } from "./Wall";
import { keepWatch, reloadIfServed, stayAwake } from "./watchdog";

const ASK_S = 60;
const RETRY_S = 5;
const KEEP_S = 24 * 3600;

document.documentElement.dataset.theme = "dark";
followLang();
const root = document.getElementById("app");
if (root !== null) render(<Wall />, root);

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

async function start(): Promise<void> {
  const { lang } = wallOptions(location.search, DEFAULTS);
  if (lang !== null) chooseLang(lang);
  let now = await askAccess();
  while (now.is !== "in") {
    // Whoever types a token in loads the page anew; somebody may have let this wall in elsewhere.
    await pause(now.is === "out" ? ASK_S : RETRY_S);
    now = await askAccess();
  }
  const url = new URL(streamUrl(document.baseURI));
  url.searchParams.set("wall", "1");
  if (now.info.options.masked) url.searchParams.set("masked", "1");
  const stream = new Stream(url.href, {
    onText: (data) => store.onText(data),
    onLost: (expected) => store.onLost(expected),
    onRefused: () => void askAccess(),
    // Its token was revoked, or is over.
    onLoggedOut: async () => (await askAccess()).is === "in",
  });
  store.connect(stream);
  stream.start();
  startRotation();
  stayAwake();
  keepWatch();
  void keepAccess();
  let keptAt = performance.now() / 1000;
  setInterval(() => {
    const before = access.peek().is;
    const kept = performance.now() / 1000;
    void askAccess().then(({ is }) => {
      // Let in again: begin as if for the first time.
      if (before === "out" && is === "in") void reloadIfServed();
    });
    if (kept - keptAt > KEEP_S) {
      keptAt = kept;
      void keepAccess();
    }
  }, ASK_S * 1000);
}

void start();
