import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/header.css";
import "../styles/account.css";
import "../styles/forms.css";
import { render } from "preact";
import { startPage } from "../live/page";
import { DeskApp } from "./DeskApp";

const root = document.getElementById("app");
if (root !== null) render(<DeskApp />, root);

void startPage();
