// fetch with the API's manners: refusals are values, not exceptions; 401 leads to the login page.

import type { Missing, OrderView, Page } from "./types";

/** A refusal (problem+json). `code` is stable; `status` 0: the server could not be reached. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly text_zh: string;
  readonly text_en: string;
  readonly field: string | null;
  readonly missing: readonly Missing[];
  /** On 412: the order as it stands now. */
  readonly current: OrderView | null;
  /** Seconds after which another try makes sense (429, 503). */
  readonly retry_after_s: number | null;
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T; readonly etag: string | null }
  | { readonly ok: false; readonly problem: Problem };

export interface Ask {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly query?: Readonly<Record<string, string | number | boolean | null | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, with this type (CSV). */
  readonly text?: { readonly type: string; readonly content: string };
  /** The version that the change is based on; refused with 412 when there is a newer one. */
  readonly version?: number;
  readonly signal?: AbortSignal;
  /** Lets the request outlive the page (drafts on leaving). */
  readonly keepalive?: boolean;
  /** Answer 401 as a value: the login page itself, and who only looks. */
  readonly stay?: boolean;
}

let onUnauthorised: () => void = () => undefined;

/** What is done when the session has ended; set once, by live/session.ts. */
export function whenUnauthorised(act: () => void): void {
  onUnauthorised = act;
}

/** The address of an API path such as `orders/1`, below wherever the pages are served. */
export function apiUrl(path: string, query: Ask["query"] = {}): string {
  const url = new URL(`api/${path}`, document.baseURI);
  for (const [key, value] of Object.entries(query))
    if (value !== null && value !== undefined && value !== "")
      url.searchParams.set(key, String(value));
  return url.href;
}

function raw(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function words(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A problem from what came with a refusal; `body` may be anything, or nothing. */
export function readProblem(
  status: number,
  body: unknown,
  retryAfter: string | null = null,
): Problem {
  const said = raw(body);
  const plain = words(said.detail) || words(said.title) || `HTTP ${status}`;
  const seconds = Number(retryAfter ?? Number.NaN);
  return {
    status,
    code: words(said.code) || `http_${status}`,
    text_zh: words(said.text_zh) || plain,
    text_en: words(said.text_en) || plain,
    field: words(said.field) || null,
    missing: Array.isArray(said.missing) ? (said.missing as Missing[]) : [],
    current: said.current ? (said.current as OrderView) : null,
    retry_after_s: retryAfter !== null && Number.isFinite(seconds) ? seconds : null,
  };
}

const UNREACHABLE: Problem = {
  status: 0,
  code: "unreachable",
  text_zh: "连接不到 agentd，请稍后再试；已录入的内容不会丢失。",
  text_en: "agentd cannot be reached; try again soon. What you typed is kept.",
  field: null,
  missing: [],
  current: null,
  retry_after_s: null,
};

async function body(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Ask the API. Never throws; a lost connection is a problem with status 0. */
export async function api<T>(path: string, ask: Ask = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const init: RequestInit = {
    method: ask.method ?? "GET",
    headers,
    credentials: "same-origin",
    cache: "no-store",
  };
  if (ask.body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(ask.body);
  } else if (ask.text !== undefined) {
    headers["Content-Type"] = ask.text.type;
    init.body = ask.text.content;
  }
  if (ask.version !== undefined) headers["If-Match"] = `"v${ask.version}"`;
  if (ask.signal !== undefined) init.signal = ask.signal;
  if (ask.keepalive === true) init.keepalive = true;
  try {
    const response = await fetch(apiUrl(path, ask.query), init);
    const said = await body(response);
    if (response.ok) return { ok: true, value: said as T, etag: response.headers.get("ETag") };
    if (response.status === 401 && ask.stay !== true) onUnauthorised();
    return {
      ok: false,
      problem: readProblem(response.status, said, response.headers.get("Retry-After")),
    };
  } catch {
    return { ok: false, problem: UNREACHABLE };
  }
}

/** The items of a list, whether it comes in pages or bare. */
export function items<T>(value: Page<T> | readonly T[]): readonly T[] {
  return "items" in value ? value.items : value;
}
