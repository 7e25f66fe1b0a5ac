// What every page behind the login begins with: language, theme, person, live stream.

import { followLang } from "../i18n";
import { waitForMe } from "./session";
import { store } from "./store";
import { Stream, streamUrl } from "./stream";
import { followTheme } from "./theme";

/** Start the page; resolves once it is known who looks at it, with the stream connecting. */
export async function startPage(): Promise<void> {
  followLang();
  followTheme();
  await waitForMe();
  const stream = new Stream(streamUrl(document.baseURI), store);
  store.connect(stream);
  stream.start();
}
