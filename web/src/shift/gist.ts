// What a line of an order's history says in few words. Pure.

import type { OrderChange } from "../api/types";

export interface Gist {
  /** What people wrote, in the order in which they would be asked. */
  readonly texts: readonly string[];
  /** The states that the change leads from and to; null where it leads nowhere. */
  readonly from: string | null;
  readonly to: string | null;
}

/** Members of a change's parts that people wrote. */
const WRITTEN = [
  "unit",
  "person",
  "content",
  "why",
  "process",
  "method",
  "reason",
  "text",
] as const;
/** Places that repeat what others say. */
const REPEATED = new Set(["title", "state", "id", "pbx", "kind", "call", "numbers", "caller"]);
const MAX_CHARS = 160;

function last(value: unknown): unknown {
  return Array.isArray(value) ? value[value.length - 1] : value;
}

function written(path: string, before: unknown, after: unknown): readonly string[] {
  if (typeof after === "string")
    return path.startsWith("fields.") || path === "owner" || path.startsWith("reply.")
      ? [after]
      : [];
  const part = last(after);
  if (typeof part !== "object" || part === null) return [];
  const old = last(before);
  const was = typeof old === "object" && old !== null ? (old as Record<string, unknown>) : {};
  const now = part as Record<string, unknown>;
  const found: string[] = [];
  for (const key of WRITTEN) {
    const value = now[key];
    if (typeof value === "string" && value !== "" && value !== was[key]) found.push(value);
  }
  const urged = now.urged;
  if (Array.isArray(urged) && urged.length > 0) found.push(...written("", null, urged));
  return found;
}

export function gist(change: OrderChange): Gist {
  const texts: string[] = [];
  if (change.do !== "opened")
    for (const [path, pair] of Object.entries(change.changed)) {
      if (REPEATED.has(path)) continue;
      for (const text of written(path, pair[0], pair[1]))
        texts.push(text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text);
    }
  const state = change.changed.state;
  const [from, to] = [state?.[0], state?.[1]];
  return {
    texts: [...new Set(texts)],
    from: typeof from === "string" ? from : null,
    to: typeof to === "string" ? to : null,
  };
}
