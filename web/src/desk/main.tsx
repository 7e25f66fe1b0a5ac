import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/header.css";
import "../styles/account.css";
import "../styles/forms.css";
import "../styles/desk-sign-in.css";
import "../styles/desk.css";
import "../styles/desk-strip.css";
import "../styles/desk-order.css";
import "../styles/desk-mine.css";
import "../styles/desk-messages.css";
import { render } from "preact";
import { startPage } from "../live/page";
import { DeskApp } from "./DeskApp";
import { followDesk } from "./follow";

const root = document.getElementById("app");
if (root !== null) render(<DeskApp />, root);

void startPage().then(followDesk);
