import { expect, test } from "vitest";
import {
  afterSaving,
  type Draft,
  editsOf,
  emptyDraft,
  isEmpty,
  joined,
  newer,
  readDraft,
  settled,
  typed,
  valueAt,
} from "../src/desk/draft";
import { order } from "./orders";

function draftOf(from: Draft, changes: Record<string, string | boolean>): Draft {
  return Object.entries(changes).reduce((d, [path, value]) => typed(d, path, value, 5), from);
}

test("what is typed stands before what the order holds, and back to the same is no change", () => {
  const base = order({ category: "complaint", fields: { place: "A" } });
  const draft = draftOf(emptyDraft(base), { "fields.place": "B", own_service: true });
  expect(valueAt(draft, "fields.place")).toBe("B");
  expect(valueAt(draft, "category")).toBe("complaint");
  expect(valueAt(draft, "fields.event")).toBe("");
  expect(valueAt(draft, "reply.passed_on")).toBe(false);
  expect(isEmpty(draftOf(draft, { "fields.place": "A", own_service: false }))).toBe(true);
});

test("only what was typed is sent; a reply goes whole, and only with its mode", () => {
  const base = emptyDraft(order());
  expect(editsOf(draftOf(base, { category: "help", "fields.place": "B" }))).toEqual({
    category: "help",
    fields: { place: "B" },
  });
  expect(editsOf(draftOf(base, { "reply.content": "说明" }))).toEqual({});
  expect(
    editsOf(draftOf(base, { "reply.content": "说明", "reply.mode": "direct", external_no: "7" })),
  ).toEqual({
    external_no: "7",
    reply: { mode: "direct", content: "说明", basis: "", passed_on: false },
  });
  const answered = order({
    category: "consult",
    reply: { mode: "direct", content: "x", basis: "y", passed_on: false },
  });
  expect(editsOf(draftOf(emptyDraft(answered), { category: "", "reply.basis": "z" }))).toEqual({
    category: null,
    reply: { mode: "direct", content: "x", basis: "z", passed_on: false },
  });
});

test("changes at different places are joined, and the draft moves to the newest version", () => {
  const draft = draftOf(emptyDraft(order({ fields: { place: "A" } })), { "fields.event": "火警" });
  const result = joined(draft, order({ version: 4, fields: { place: "B" }, urgent: null }));
  expect(result.clashes).toEqual([]);
  expect(result.taken).toEqual(["fields.place"]);
  expect(result.draft).toMatchObject({ version: 4, mine: { "fields.event": "火警" } });
  expect(valueAt(result.draft, "fields.place")).toBe("B");
});

test("changes at one place clash; the draft stays as it is until the person has chosen", () => {
  const draft = draftOf(emptyDraft(order({ fields: { place: "A", event: "x" } })), {
    "fields.place": "B",
    "fields.event": "y",
    category: "help",
  });
  const theirs = order({ version: 3, fields: { place: "C", event: "z" } });
  const result = joined(draft, theirs);
  expect(result.draft).toBe(draft);
  expect(result.clashes).toEqual([
    { path: "fields.place", base: "A", mine: "B", theirs: "C" },
    { path: "fields.event", base: "x", mine: "y", theirs: "z" },
  ]);
  const next = settled(draft, theirs, { "fields.place": "mine", "fields.event": "theirs" });
  expect(next).toMatchObject({ version: 3, mine: { "fields.place": "B", category: "help" } });
  expect(valueAt(next, "fields.event")).toBe("z");
  expect(joined(next, theirs).clashes).toEqual([]);
});

test("both typed the same: nothing to settle", () => {
  const draft = draftOf(emptyDraft(order()), { "fields.place": "B" });
  const result = joined(draft, order({ version: 2, fields: { place: "B" } }));
  expect(result.clashes).toEqual([]);
  expect(isEmpty(result.draft)).toBe(true);
});

test("what is typed while a save is under way is not lost", () => {
  const sent = draftOf(emptyDraft(order()), { "fields.place": "B", "reply.content": "early" });
  const later = draftOf(sent, { "fields.place": "BC", "fields.event": "new" });
  const left = afterSaving(sent, later, order({ version: 2, fields: { place: "B" } }));
  expect(left).toMatchObject({
    version: 2,
    mine: { "fields.place": "BC", "fields.event": "new", "reply.content": "early" },
  });
  const undone = draftOf(sent, { "fields.place": "" });
  expect(afterSaving(sent, undone, order({ version: 2, fields: { place: "B" } })).mine).toEqual({
    "fields.place": "",
    "reply.content": "early",
  });
});

test("a stored draft is read back; rubbish is none; the newer of two counts", () => {
  const draft = draftOf(emptyDraft(order()), { "fields.place": "B" });
  expect(readDraft(JSON.parse(JSON.stringify(draft)))).toEqual(draft);
  for (const bad of [null, 3, {}, { ...draft, mine: { a: 1 } }, { ...draft, base: [] }])
    expect(readDraft(bad)).toBeNull();
  expect(readDraft(emptyDraft(order()))).toBeNull();
  const older = { ...draft, at: 1 };
  expect(newer(older, draft)).toBe(draft);
  expect(newer(draft, older)).toBe(draft);
  expect(newer(null, older)).toBe(older);
  expect(newer(null, null)).toBeNull();
});

test("what is typed in answer to another tab's words is later, by whatever clock", () => {
  const theirs = typed(emptyDraft(order()), "fields.place", "B", 100);
  const mine = typed(theirs, "fields.event", "C", 99.98);
  expect(mine.at).toBeGreaterThan(theirs.at);
  expect(newer(theirs, mine)).toBe(mine);
  expect(typed(mine, "fields.event", "D", 200).at).toBe(200);
});
