import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/header.css";
import "../styles/account.css";
import "../styles/forms.css";
import "../styles/desk.css";
import "../styles/desk-order.css";
import "../styles/desk-mine.css";
import "../styles/shift.css";
import "../styles/shift-pages.css";
import "./history.css";
import "./marks.css";
import { render } from "preact";
import { startPage } from "../live/page";
import { loadCommon } from "./ask";
import { HistoryApp } from "./HistoryApp";
import { followPlace } from "./place";

followPlace();
const root = document.getElementById("app");
if (root !== null) render(<HistoryApp />, root);

void startPage().then(loadCommon);
