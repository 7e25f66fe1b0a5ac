// What an agent typed and has not sent: kept apart from the order, joined with what others changed.

import { type Edits, type Order, REPLY_MODES, type Reply } from "../api/types";

/** Values of an order's editable places by path: `category`, `fields.place`, `reply.mode` … */
export type Value = string | boolean;
export type Values = Readonly<Record<string, Value>>;

export interface Draft {
  /** The version of the order that the person saw while typing. */
  readonly version: number;
  /** What the places that were changed held then. */
  readonly base: Values;
  /** What was typed; only places that differ from `base`. */
  readonly mine: Values;
  /** Server time of the last change, seconds. */
  readonly at: number;
}

/** Where two people changed the same place. */
export interface Clash {
  readonly path: string;
  readonly base: Value;
  readonly mine: Value;
  readonly theirs: Value;
}

export interface Joined {
  readonly draft: Draft;
  /** Places that others changed and the draft had not touched. Nothing is lost by taking them. */
  readonly taken: readonly string[];
  /** Empty: the draft now stands on the newest version. Else it is as it was. */
  readonly clashes: readonly Clash[];
}

const FLAGS = new Set(["own_service", "reply.passed_on"]);

function nothing(path: string): Value {
  return FLAGS.has(path) ? false : "";
}

/** The editable places of an order. */
export function valuesOf(order: Order): Values {
  const values: Record<string, Value> = {
    category: order.category ?? "",
    own_service: order.own_service,
    external_no: order.external_no,
    "reply.mode": order.reply?.mode ?? "",
    "reply.content": order.reply?.content ?? "",
    "reply.basis": order.reply?.basis ?? "",
    "reply.passed_on": order.reply?.passed_on ?? false,
  };
  for (const [key, value] of Object.entries(order.fields)) values[`fields.${key}`] = value;
  return values;
}

function at(values: Values, path: string): Value {
  return values[path] ?? nothing(path);
}

export function emptyDraft(order: Order): Draft {
  return { version: order.version, base: valuesOf(order), mine: {}, at: 0 };
}

export function isEmpty(draft: Draft): boolean {
  return Object.keys(draft.mine).length === 0;
}

/** What the form shows at `path`. */
export function valueAt(draft: Draft, path: string): Value {
  return draft.mine[path] ?? at(draft.base, path);
}

/** Two tabs know the server's time to a few milliseconds only. */
const LATER_S = 0.001;

/** The draft with `value` typed at `path`, later in any case than what it follows. */
export function typed(draft: Draft, path: string, value: Value, now: number): Draft {
  const { [path]: _old, ...rest } = draft.mine;
  const mine = value === at(draft.base, path) ? rest : { ...rest, [path]: value };
  return { ...draft, mine, at: Math.max(now, draft.at + LATER_S) };
}

/** The draft beside a newer version of its order: joined, unless both changed the same place. */
export function joined(draft: Draft, order: Order): Joined {
  const theirs = valuesOf(order);
  const paths = new Set([...Object.keys(draft.base), ...Object.keys(theirs)]);
  const taken = [...paths].filter(
    (path) => !(path in draft.mine) && at(theirs, path) !== at(draft.base, path),
  );
  const mine: Record<string, Value> = {};
  const clashes: Clash[] = [];
  for (const [path, value] of Object.entries(draft.mine)) {
    const now = at(theirs, path);
    if (now === value) continue;
    mine[path] = value;
    const before = at(draft.base, path);
    if (now !== before) clashes.push({ path, base: before, mine: value, theirs: now });
  }
  if (clashes.length > 0) return { draft, taken, clashes };
  return { draft: { version: order.version, base: theirs, mine, at: draft.at }, taken, clashes };
}

/** The draft on the newest version, with the person's choice for every place of a clash. */
export function settled(
  draft: Draft,
  order: Order,
  choice: Readonly<Record<string, "mine" | "theirs">>,
): Draft {
  const theirs = valuesOf(order);
  const mine: Record<string, Value> = {};
  for (const [path, value] of Object.entries(draft.mine)) {
    const untouched = at(theirs, path) === at(draft.base, path);
    const keep = untouched || choice[path] === "mine";
    if (keep && value !== at(theirs, path)) mine[path] = value;
  }
  return { version: order.version, base: theirs, mine, at: draft.at };
}

/** What the draft asks of the API. A reply whose mode is not chosen yet stays in the draft. */
export function editsOf(draft: Draft): Edits {
  const edits: { -readonly [K in keyof Edits]: Edits[K] } = {};
  const fields: Record<string, string> = {};
  let reply = false;
  for (const [path, value] of Object.entries(draft.mine)) {
    if (path === "category") edits.category = value === "" ? null : String(value);
    else if (path === "own_service") edits.own_service = value === true;
    else if (path === "external_no") edits.external_no = String(value);
    else if (path.startsWith("fields.")) fields[path.slice("fields.".length)] = String(value);
    else if (path.startsWith("reply.")) reply = true;
  }
  if (Object.keys(fields).length > 0) edits.fields = fields;
  if (reply) {
    const mode = REPLY_MODES.find((name) => name === valueAt(draft, "reply.mode"));
    const whole: Reply | null =
      mode === undefined
        ? null
        : {
            mode,
            content: String(valueAt(draft, "reply.content")),
            basis: String(valueAt(draft, "reply.basis")),
            passed_on: valueAt(draft, "reply.passed_on") === true,
          };
    if (whole !== null || at(draft.base, "reply.mode") !== "") edits.reply = whole;
  }
  return edits;
}

/** What is left of a draft once the server took `editsOf` of it: a reply without its mode. */
export function afterSaving(sent: Draft, now: Draft, order: Order): Draft {
  const base = valuesOf(order);
  const mine: Record<string, Value> = {};
  for (const [path, value] of Object.entries(now.mine)) {
    const typedSince = sent.mine[path] !== value;
    const unsent = path.startsWith("reply.") && at(base, "reply.mode") === "";
    if ((typedSince || unsent) && value !== at(base, path)) mine[path] = value;
  }
  // What was emptied again while the request was under way.
  for (const path of Object.keys(sent.mine))
    if (!(path in now.mine) && at(now.base, path) !== at(base, path))
      mine[path] = at(now.base, path);
  return { version: order.version, base, mine, at: now.at };
}

function isValues(value: unknown): value is Values {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((v) => typeof v === "string" || typeof v === "boolean");
}

/** A draft as it was stored here or on the server; null when it is none. */
export function readDraft(value: unknown): Draft | null {
  if (typeof value !== "object" || value === null) return null;
  const { version, base, mine, at: when } = value as Record<string, unknown>;
  if (typeof version !== "number" || typeof when !== "number") return null;
  if (!isValues(base) || !isValues(mine) || Object.keys(mine).length === 0) return null;
  return { version, base, mine, at: when };
}

/** The one that was changed last; of two that say the same, either. */
export function newer(a: Draft | null, b: Draft | null): Draft | null {
  if (a === null || b === null) return a ?? b;
  return b.at > a.at ? b : a;
}
