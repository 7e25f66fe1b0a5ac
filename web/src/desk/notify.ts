// Desktop notifications: only for who asked for them, and only while the page is not in front.

import { signal } from "@preact/signals";
import type { OneTab } from "../live/onetab";

export type Allowed = "granted" | "denied" | "default" | "none";

function asked(): Allowed {
  // Absent without a secure context, which an agentd without TLS on another machine is not.
  return typeof Notification === "undefined" || !isSecureContext ? "none" : Notification.permission;
}

export const allowed = signal<Allowed>(asked());

export async function askToNotify(): Promise<void> {
  if (asked() === "none") return;
  await Notification.requestPermission();
  allowed.value = asked();
}

/** Unless the person looks at the page, in this tab or in another one of `tabs`. */
export function notify(title: string, body: string, tabs: OneTab | null): void {
  if (tabs?.otherInFront) return;
  if (allowed.peek() !== "granted" || (!document.hidden && document.hasFocus())) return;
  // One at a time: the newest says what counts.
  let note: Notification;
  try {
    note = new Notification(title, { body, tag: "agentd", silent: true });
  } catch {
    // Browsers of phones have the class and refuse to make one from a page.
    allowed.value = "none";
    return;
  }
  note.onclick = () => {
    window.focus();
    note.close();
  };
}
