import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/header.css";
import "../styles/forms.css";
import "../styles/login.css";
import "../styles/demo-phone.css";
import { render } from "preact";
import { followLang } from "../i18n";
import { whenUnauthorised } from "../api/client";
import { goToLogin } from "../live/session";
import { followTheme } from "../live/theme";
import { DemoPhone } from "./DemoPhone";

whenUnauthorised(goToLogin);
followLang();
followTheme();
const root = document.getElementById("app");
if (root !== null) render(<DemoPhone />, root);
