import { expect, test } from "vitest";
import { retryDelay, streamUrl } from "../src/live/stream";

test("the stream is beside the page, and encrypted when the page is", () => {
  expect(streamUrl("http://127.0.0.1:8440/")).toBe("ws://127.0.0.1:8440/ws?patches=1");
  expect(streamUrl("https://wall.example/agentd/?x=1#y")).toBe(
    "wss://wall.example/agentd/ws?patches=1",
  );
});

test("retries back off to a bound, with jitter", () => {
  expect([0, 1, 2].map((tries) => retryDelay(tries, 1))).toEqual([0.5, 1, 2]);
  expect(retryDelay(500, 1)).toBe(10);
  expect(retryDelay(500, 0)).toBe(5);
});
