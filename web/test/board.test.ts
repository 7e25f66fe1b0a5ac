import { expect, test } from "vitest";
import { Board } from "../src/model/board";
import type { BoardObject, Delta, Snapshot } from "../src/model/types";
import { pbx, queue, seat } from "./samples";

function snapshot(seq: number, board: Record<string, BoardObject>): Snapshot {
  const objects = new Map(Object.entries(board));
  return { type: "snapshot", seq, server_time: seq, board: objects, unread: 0 };
}

function delta(seq: number, set: Record<string, BoardObject>, del: string[] = []): Delta {
  const objects = new Map(Object.entries(set));
  return { type: "delta", seq, server_time: seq, set: objects, patch: new Map(), del, unread: 0 };
}

test("snapshot and deltas give what a later snapshot gives", () => {
  const ringing = seat({ state: "ringing" });
  const followed = new Board();
  followed.snapshot(snapshot(7, { p: pbx(), a: seat(), b: seat() }));
  expect(followed.delta(delta(8, { a: ringing }))).toEqual({ set: ["a"], del: [] });
  expect(followed.delta(delta(9, { c: seat() }, ["b"]))).toEqual({ set: ["c"], del: ["b"] });
  const fresh = new Board();
  fresh.snapshot(snapshot(9, { p: pbx(), a: ringing, c: seat() }));
  expect(new Map([...followed.objects].sort())).toEqual(new Map([...fresh.objects].sort()));
  expect(followed.seq).toBe(fresh.seq);
});

test("who came to a queue and who went is as good as the whole queue", () => {
  const caller = (call: string) => ({ call, caller: null, joined_at: 1 });
  const board = new Board();
  board.snapshot(snapshot(1, { q: queue({ waiting: ["a", "b", "c"].map(caller) }), s: seat() }));
  const patch = { queue: queue({ offered: 4 }), gone: ["b"], came: [caller("d")] };
  const told = { ...delta(2, { s: seat() }), patch: new Map([["q", patch]]) };
  expect(board.delta(told)).toEqual({ set: ["s", "q"], del: [] });
  expect(board.objects.get("q")).toEqual(
    queue({ offered: 4, waiting: ["a", "c", "d"].map(caller) }),
  );
  // Of a queue that is not there nothing is known: a snapshot is asked for.
  const unknown = { ...delta(3, {}, ["s"]), patch: new Map([["p", patch]]) };
  expect(board.delta(unknown)).toBeNull();
  expect([...board.objects.keys()]).toEqual(["q", "s"]);
});

test("a delta out of order changes nothing", () => {
  const board = new Board();
  expect(board.delta(delta(1, { a: seat() }))).toBeNull();
  board.snapshot(snapshot(5, { a: seat() }));
  for (const seq of [4, 5, 7]) expect(board.delta(delta(seq, { b: seat() }, ["a"]))).toBeNull();
  expect([...board.objects.keys()]).toEqual(["a"]);
  expect(board.seq).toBe(5);
});

test("a snapshot names what went away", () => {
  const board = new Board();
  board.snapshot(snapshot(1, { a: seat(), b: seat() }));
  expect(board.snapshot(snapshot(9, { b: seat(), c: seat() }))).toEqual({
    set: ["b", "c"],
    del: ["a"],
  });
});

test("a beat agrees only with the number that was applied last", () => {
  const board = new Board();
  const beat = (seq: number) => board.agrees({ type: "beat", seq, server_time: 0 });
  expect(beat(1)).toBe(false);
  board.snapshot(snapshot(1, {}));
  expect(beat(1)).toBe(true);
  expect(beat(2)).toBe(false);
  board.expectSnapshot();
  expect(beat(1)).toBe(false);
  expect(board.delta(delta(2, {}))).toBeNull();
});
