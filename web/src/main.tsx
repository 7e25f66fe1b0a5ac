import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/header.css";
import "./styles/forms.css";
import "./styles/lane.css";
import "./styles/queues.css";
import "./styles/seats.css";
import "./styles/density.css";
import "./styles/signs.css";
import "./styles/alerts.css";
import "./styles/account.css";
import "./styles/board.css";
import { render } from "preact";
import { loadMetrics } from "./board/figures";
import { followGaps, followHealth } from "./board/feed";
import { followSettings } from "./board/settings";
import { loadForm } from "./live/form";
import { startPage } from "./live/page";
import { may } from "./live/session";
import { startTicker } from "./live/ticker";
import { App } from "./ui/App";

startTicker();
followGaps();
followSettings();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);

void startPage().then(() => {
  // The wallboard is not for everybody; whoever may not see it has a page of their own.
  if (!may("board") && may("desk")) location.replace(new URL("desk", document.baseURI).href);
  else {
    // Whose time the site's is, and what pause reasons are called.
    void loadForm();
    void loadMetrics();
    void followHealth();
  }
});
