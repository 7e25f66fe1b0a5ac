import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/header.css";
import "../styles/account.css";
import "../styles/forms.css";
import "../history/history.css";
import "./reports.css";
import "./print.css";
import { render } from "preact";
import { loadCommon } from "../history/ask";
import { startPage } from "../live/page";
import { followPlace } from "./place";
import { ReportsApp } from "./ReportsApp";

followPlace();
const root = document.getElementById("app");
if (root !== null) render(<ReportsApp />, root);

void startPage().then(loadCommon);
