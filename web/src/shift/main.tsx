import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/header.css";
import "../styles/account.css";
import "../styles/forms.css";
import "../styles/desk.css";
import "../styles/desk-order.css";
import "../styles/desk-mine.css";
import "../styles/shift-panel.css";
import "../styles/shift.css";
import "../styles/shift-pages.css";
import { render } from "preact";
import { startPage } from "../live/page";
import { followShift } from "./follow";
import { ShiftApp } from "./ShiftApp";

const root = document.getElementById("app");
if (root !== null) render(<ShiftApp />, root);

void startPage().then(followShift);
