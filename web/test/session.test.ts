import { expect, test } from "vitest";
import { items, readProblem } from "../src/api/client";
import { afterLogin } from "../src/live/session";

const PAGE = "https://desk.example.org/login?next=x";

test("after the login comes the page that was wanted, else the role's own", () => {
  const go = (next: string | null) => afterLogin(next, "agent", PAGE);
  expect(go(null)).toBe("https://desk.example.org/desk");
  expect(go("/shift?team=A")).toBe("https://desk.example.org/shift?team=A");
  expect(afterLogin(null, "shift_leader", PAGE)).toBe("https://desk.example.org/shift");
  expect(afterLogin(null, "qa", PAGE)).toBe("https://desk.example.org/");
});

test("nobody is sent to another site, or to the login page again", () => {
  const bad = [
    "https://evil.example/",
    "//evil.example/desk",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "desk",
    "",
    "/login",
    "/login?next=/login",
  ];
  for (const next of bad)
    expect(afterLogin(next, "agent", PAGE), next).toBe("https://desk.example.org/desk");
});

test("a refusal is readable whatever came with it", () => {
  const full = readProblem(422, {
    code: "invalid",
    text_zh: "缺少",
    text_en: "missing",
    missing: [{ field: "category" }],
  });
  expect(full).toMatchObject({ status: 422, code: "invalid", text_zh: "缺少", current: null });
  expect(full.missing).toHaveLength(1);
  expect(readProblem(503, null, "7")).toMatchObject({
    code: "http_503",
    text_en: "HTTP 503",
    retry_after_s: 7,
  });
  expect(readProblem(502, "<html>", "soon").retry_after_s).toBeNull();
  expect(readProblem(400, { detail: "no" }).text_zh).toBe("no");
});

test("lists come in pages or bare", () => {
  expect(items([1, 2])).toEqual([1, 2]);
  expect(items({ items: [3], next_cursor: null })).toEqual([3]);
});
