import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/header.css";
import "../styles/account.css";
import "../styles/forms.css";
import "./alerts.css";
import { render } from "preact";
import { loadCommon } from "../history/ask";
import { startPage } from "../live/page";
import { may } from "../live/session";
import { AlertsApp } from "./AlertsApp";
import { followAlerts } from "./state";

const root = document.getElementById("app");
if (root !== null) render(<AlertsApp />, root);

void startPage().then(() => {
  if (!may("board")) return;
  void loadCommon();
  void followAlerts();
});
