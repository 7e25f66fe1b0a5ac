// Whether this browser may be a wall, and how it is to look.

import { signal } from "@preact/signals";
import { api, type Problem } from "../api/client";
import { readThresholds, type Thresholds } from "../board/thresholds";
import { clockOf } from "../history/zone";
import { store } from "../live/store";
import { readWallSetting, type WallOptions, wallOptions } from "./options";

/** GET /api/wall */
interface WallSaid {
  readonly name: string;
  readonly masked: boolean;
  readonly utc_offset_s: number;
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface WallInfo {
  readonly name: string;
  readonly masked: boolean;
  readonly utc_offset_s: number;
  readonly options: WallOptions;
  readonly thresholds: Thresholds;
}

export type Access =
  | { readonly is: "asking" }
  | { readonly is: "in"; readonly info: WallInfo }
  /** `ended`: it was in before. `forbidden`: somebody is logged in who may not see the board. */
  | { readonly is: "out"; readonly ended: boolean; readonly forbidden: boolean }
  /** The server does not answer; nothing is known. */
  | { readonly is: "lost" };

export const access = signal<Access>({ is: "asking" });

/** Ask agentd who this wall is. A server that is away changes nothing for a wall that is in. */
export async function askAccess(): Promise<Access> {
  const answer = await api<WallSaid>("wall", { stay: true });
  const before = access.peek();
  if (answer.ok) {
    const options = wallOptions(location.search, readWallSetting(answer.value.settings.wall));
    const info: WallInfo = {
      name: answer.value.name,
      masked: answer.value.masked || options.masked,
      utc_offset_s: answer.value.utc_offset_s,
      options,
      thresholds: readThresholds(answer.value.settings.thresholds),
    };
    access.value = { is: "in", info };
  } else if (answer.problem.status === 401 || answer.problem.status === 403) {
    const ended = before.is === "in" || (before.is === "out" && before.ended);
    access.value = { is: "out", ended, forbidden: answer.problem.status === 403 };
  } else if (before.is !== "in") {
    access.value = { is: "lost" };
  }
  return access.peek();
}

/** Let this browser be a wall; the problem when the token is refused. */
export async function letIn(token: string): Promise<Problem | null> {
  const answer = await api("wall/session", { method: "POST", body: { token }, stay: true });
  return answer.ok ? null : answer.problem;
}

/** Be a wall no more, and let a person log in instead. */
export async function asPerson(): Promise<void> {
  await api("wall/session", { method: "DELETE", stay: true });
  const login = new URL("login", document.baseURI);
  login.searchParams.set("next", location.pathname + location.search);
  location.assign(login.href);
}

/** Keep the access of a wall that is used. */
export async function keepAccess(): Promise<void> {
  await api("wall/keep", { method: "POST", stay: true });
}

/** The site's time minus UTC, seconds. */
export function offset(): number {
  return access.value.is === "in" ? access.value.info.utc_offset_s : 0;
}

/** A moment of the PBX's clock (null: of agentd's) as the time of day on site. */
export function siteTime(at: number, pbx: string | null, places: "m" | "s" = "s"): string {
  const ahead = pbx === null ? 0 : (store.pbx(`pbx:${pbx}`)?.clock_offset_s ?? 0);
  return clockOf(at - ahead, offset(), places);
}
