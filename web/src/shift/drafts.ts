// What a leader typed and has not sent: in this browser with every key, with the account after the
// logout (live/handover.ts).

import { keptAside, putAside } from "../live/aside";
import { asideKey } from "../live/handover";
import { forget, remember, remembered } from "../live/remember";
import { me, saveSettings } from "../live/session";

function key(what: string): string {
  return asideKey(me.peek()?.login ?? "", what);
}

/** What was typed under the name `what`; "" for nothing. */
export function draftOf(what: string): string {
  return remembered(key(what)) ?? keptAside(me.peek()?.settings ?? {})[what] ?? "";
}

export function keepDraft(what: string, text: string): void {
  if (text === "") dropDraft(what);
  else remember(key(what), text);
}

/** It was sent, or emptied: nothing is left to keep, here and with the account. */
export function dropDraft(what: string): void {
  forget(key(what));
  const settings = me.peek()?.settings ?? {};
  const { [what]: gone, ...rest } = keptAside(settings);
  if (gone !== undefined) void saveSettings({ drafts: putAside(settings, rest).drafts });
}
