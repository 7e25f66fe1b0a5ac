import { expect, test } from "vitest";
import { readMessage, readObject } from "../src/model/decode";
import type { Message } from "../src/model/types";
import { alert, pbx, queue, ring, seat } from "./samples";

function read(value: unknown): Message | null {
  return readMessage(JSON.stringify(value));
}

test("whole objects of every kind come through as they are", () => {
  const found = [
    pbx({ warnings: [{ code: "x", text: "y" }], last_event_at: 3 }),
    queue({ waiting: [{ call: "c", caller: null, joined_at: 5 }], service_level: 0.5 }),
    seat({ clock: ring(), owed: [{ id: "1", due_at: null }], state: "ringing", place: 3 }),
    alert({ to: ["agent"], value: 30, limit: 30 }),
  ];
  for (const object of found) expect(readObject("key", object)).toEqual(object);
});

test("what is not a message at all is null, never an exception", () => {
  const bad = ["", "{", "null", "[]", "3", '{"type":"delta"}', '{"seq":1}'];
  for (const text of bad) expect(readMessage(text)).toBeNull();
  expect(readMessage(new ArrayBuffer(2))).toBeNull();
  expect(read({ type: "snapshot", seq: 1, server_time: 1 })).toBeNull();
  expect(read({ type: "snapshot", seq: 1, server_time: 1, board: [] })).toBeNull();
  expect(read({ type: "beat", seq: "1", server_time: 1 })).toBeNull();
});

test("one object that cannot be read does not cost the others", () => {
  const message = read({
    type: "snapshot",
    seq: 4,
    server_time: 1.5,
    board: {
      "seat:main/a": seat(),
      "seat:main/b": { ...seat(), state: "levitating" },
      "seat:main/c": null,
      "alert:main/x": { kind: "alert" },
      "weather:main": { kind: "weather" },
    },
  });
  expect(message).toMatchObject({ type: "snapshot", seq: 4, unread: 4 });
  expect(message?.type === "snapshot" && [...message.board.keys()]).toEqual(["seat:main/a"]);
});

test("fields that are missing or of the wrong type become what is known: nothing", () => {
  expect(readObject("k", { kind: "seat", seat: "PJSIP/1", state: "talking", owed: "no" })).toEqual(
    seat({ seat: "PJSIP/1", label: "PJSIP/1", state: "talking", pbx: "" }),
  );
  const odd = readObject("k", {
    ...seat(),
    since: "now",
    trouble: "huge",
    clock: { rule: "ring" },
  });
  expect(odd).toEqual(seat());
  const cycle = readObject("k", seat({ clock: ring({ ring_cycle_s: 0 }) }));
  expect(cycle).toEqual(seat({ clock: ring({ ring_cycle_s: null }) }));
});

test("hello and delta", () => {
  expect(read({ type: "hello", protocol: 1, version: "1.2", lang: "en" })).toEqual({
    type: "hello",
    protocol: 1,
    version: "1.2",
    lang: "en",
  });
  const delta = read({ type: "delta", seq: 2, server_time: 3, set: { k: pbx() }, del: ["x", 5] });
  expect(delta).toMatchObject({ type: "delta", seq: 2, del: ["x"], unread: 0 });
});

test("a patch of a queue", () => {
  const came = [{ call: "c", caller: "1", joined_at: 2 }, { call: "no time" }];
  const { waiting, ...rest } = queue({ offered: 3 });
  expect(waiting).toEqual([]);
  const patch = { q: { set: rest, gone: ["a", 5], came }, odd: { set: 5 }, odder: 7 };
  const delta = read({ type: "delta", seq: 2, server_time: 3, set: {}, patch, del: [] });
  expect(delta).toMatchObject({
    patch: new Map([["q", { queue: queue({ offered: 3 }), gone: ["a"], came: [came[0]] }]]),
  });
});

test("a hint names its topics; a kind of message that is new is passed over", () => {
  expect(read({ type: "hint", topics: ["orders", 5, "seat"] })).toEqual({
    type: "hint",
    topics: ["orders", "seat"],
  });
  expect(read({ type: "weather", seq: 1 })).toEqual({ type: "other" });
});

test("a clock that was set is told, and rubbish for it is none", () => {
  const step = { at: 1700, seconds: -2 };
  expect(readObject("pbx:main", pbx({ clock_step: step }))).toMatchObject({ clock_step: step });
  const rubbish = { ...pbx(), clock_step: { at: "now" } };
  expect(readObject("pbx:main", rubbish)).toMatchObject({ clock_step: null });
});
