import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/header.css";
import "../styles/forms.css";
import "../styles/login.css";
import { render } from "preact";
import { followLang } from "../i18n";
import { followTheme } from "../live/theme";
import { Login } from "./Login";

followLang();
followTheme();
const root = document.getElementById("app");
if (root !== null) render(<Login />, root);
