import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/header.css";
import "../styles/account.css";
import "../styles/forms.css";
import "./settings.css";
import { render } from "preact";
import { loadMetrics } from "../board/figures";
import { loadCommon } from "../history/ask";
import { startPage } from "../live/page";
import { may } from "../live/session";
import { followDrafts } from "./drafts";
import { SettingsApp } from "./SettingsApp";

const root = document.getElementById("app");
if (root !== null) render(<SettingsApp />, root);

void startPage().then(async () => {
  if (!may("board")) return;
  void loadCommon();
  // Which figures are percentages: known before anything is written into fields.
  await loadMetrics();
  followDrafts();
});
