// Who uses this page. The browser keeps the cookie; the page only asks who that is.

import { signal } from "@preact/signals";
import { api, type Problem, whenUnauthorised } from "../api/client";
import type { Me, Right, Role } from "../api/types";
import { handOver } from "./handover";

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
/** A change of the own password: it ends all sessions, and begins a new one here. */
let changing: Promise<unknown> | null = null;

/** To the login page, and back here afterwards. */
export function goToLogin(): void {
  if (leaving || changing !== null) return;
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

/** What keeps somebody from leaving: unsent drafts, or a server that does not answer. */
export interface Stuck {
  /** How many drafts are only in this browser. */
  readonly drafts: number;
  /** Null: only the drafts. */
  readonly problem: Problem | null;
}

/**
 * End the session here and on the server, with nothing of the person left in this browser. Null
 * when it was done; `regardless`: drafts that cannot be sent stay here.
 */
export async function logOut(regardless = false): Promise<Stuck | null> {
  const drafts = await handOver(me.peek()?.login ?? "");
  if (drafts > 0 && !regardless) return { drafts, problem: null };
  const answer = await api("session", { method: "DELETE", stay: true });
  // The cookie would still be good: the next one at this computer would be this person.
  if (!answer.ok && answer.problem.status !== 401) return { drafts, problem: answer.problem };
  leaving = true;
  location.assign(new URL("login", document.baseURI).href);
  return null;
}

/** Null when it was done. The other sessions of the person end, this one goes on. */
export async function changePassword(old: string, next: string): Promise<Problem | null> {
  const asked = api("me/password", { method: "PUT", body: { old, new: next }, stay: true });
  changing = asked;
  const answer = await asked;
  changing = null;
  if (!answer.ok && answer.problem.status === 401) goToLogin();
  return answer.ok ? null : answer.problem;
}

/** The live stream says that the session has ended: whether there is another one. */
export async function stillLoggedIn(): Promise<boolean> {
  await changing;
  return loadMe();
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
