// Who uses this page. The browser keeps the cookie; the page only asks who that is.

import { signal } from "@preact/signals";
import { api, whenUnauthorised } from "../api/client";
import type { Me, Right, Role } from "../api/types";

/** Null until the server said who we are. */
export const me = signal<Me | null>(null);

/** Why `me` is not known: the server did not answer. */
export const meLost = signal(false);

export function may(right: Right): boolean {
  return me.value?.rights.includes(right) ?? false;
}

/** Where a role begins its day. */
export function homeOf(role: Role): string {
  if (role === "agent") return "desk";
  return role === "shift_leader" ? "shift" : "./";
}

/**
 * Where to go after the login: the page that was wanted, if it is one of ours, else the role's.
 * `next` comes from the address bar, so that anything may stand there.
 */
export function afterLogin(next: string | null, role: Role, page: string): string {
  const home = new URL(homeOf(role), page).href;
  if (next === null || !next.startsWith("/") || /[\\\u0000-\u001f]/.test(next)) return home;
  const url = new URL(next, page);
  const here = new URL(page);
  return url.origin === here.origin && url.pathname !== here.pathname ? url.href : home;
}

let leaving = false;

/** To the login page, and back here afterwards. */
export function goToLogin(): void {
  if (leaving) return;
  leaving = true;
  const login = new URL("login", document.baseURI);
  const here = location.pathname + location.search;
  if (location.pathname !== login.pathname) login.searchParams.set("next", here);
  location.assign(login.href);
}

/** Ask who we are; true when the server said. Leads to the login page when it is nobody. */
export async function loadMe(): Promise<boolean> {
  const answer = await api<Me>("me");
  meLost.value = !answer.ok && answer.problem.status !== 401;
  if (!answer.ok) return false;
  me.value = answer.value;
  return true;
}

/** End the session here and on the server. */
export async function logOut(): Promise<void> {
  await api("session", { method: "DELETE", stay: true });
  leaving = true;
  location.assign(new URL("login", document.baseURI).href);
}

const RETRY_MS = 3000;

/** Ask until the server says who we are. */
export async function waitForMe(): Promise<void> {
  whenUnauthorised(goToLogin);
  while (!(await loadMe()) && !leaving)
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
}

/** Change what the person chose on the pages; kept with the account. */
export async function saveSettings(changed: Readonly<Record<string, unknown>>): Promise<boolean> {
  const who = me.peek();
  if (who === null) return false;
  const settings = { ...who.settings, ...changed };
  me.value = { ...who, settings };
  const answer = await api("me/settings", { method: "PUT", body: settings });
  return answer.ok;
}
