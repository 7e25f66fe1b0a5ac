import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/header.css";
import "./styles/lane.css";
import "./styles/queues.css";
import "./styles/seats.css";
import "./styles/density.css";
import "./styles/alerts.css";
import { render } from "preact";
import { followLang } from "./i18n";
import { store } from "./live/store";
import { Stream, streamUrl } from "./live/stream";
import { followTheme } from "./live/theme";
import { App } from "./ui/App";

followLang();
followTheme();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);

const stream = new Stream(streamUrl(document.baseURI), store);
store.connect(stream);
stream.start();
