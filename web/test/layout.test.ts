import { expect, test } from "vitest";
import {
  byAlertTime,
  byUrgency,
  DENSITIES,
  densityFor,
  groups,
  heightNeeded,
} from "../src/model/layout";
import type { Seat } from "../src/model/types";
import { alert, seat } from "./samples";

function entries(...seats: Seat[]): [string, Seat][] {
  return seats.map((found) => [found.label, found]);
}

test("groups come in the order of their places, seats within by place, then label", () => {
  const found = groups(
    entries(
      seat({ label: "30", group: "一组", place: 2 }),
      seat({ label: "9", group: "投诉组" }),
      seat({ label: "10", group: "投诉组" }),
      seat({ label: "20", group: "二组", place: 5 }),
      seat({ label: "31", group: "一组", place: 1 }),
    ),
  );
  expect(found.map((group) => [group.name, group.seats])).toEqual([
    ["一组", ["31", "30"]],
    ["二组", ["20"]],
    ["投诉组", ["9", "10"]],
  ]);
});

test("the order does not depend on the order of arrival or on what the seats do", () => {
  const a = seat({ label: "1", group: "g" });
  const b = seat({ label: "2", group: "g", state: "ringing", trouble: "breach" });
  expect(groups(entries(a, b))).toEqual(groups(entries(b, a)));
});

test("worst first, then who has waited longest", () => {
  const order = [
    seat({ label: "late", trouble: "breach", since: 50 }),
    seat({ label: "soon", trouble: "warning", since: 1 }),
    seat({ label: "later", trouble: "breach", since: 10 }),
    seat({ label: "urgent", trouble: "urgent", since: 99 }),
  ].sort(byUrgency);
  expect(order.map((found) => found.label)).toEqual(["urgent", "later", "late", "soon"]);
});

test("newest alerts first", () => {
  const order = [alert({ id: "a", at: 1 }), alert({ id: "b", at: 3 }), alert({ id: "c", at: 2 })];
  expect(order.sort(byAlertTime).map((found) => found.id)).toEqual(["b", "c", "a"]);
});

test("tiles are the largest that fit, and the smallest when none do", () => {
  const sizes = [32, 32, 32];
  for (const density of DENSITIES) {
    const needed = heightNeeded(sizes, 1000, density);
    expect(densityFor(sizes, 1000, needed)).toBe(density);
    if (density !== "tiny") expect(densityFor(sizes, 1000, needed - 1)).not.toBe(density);
  }
  expect(densityFor(sizes, 1000, 10)).toBe("tiny");
  expect(densityFor([], 1000, 0)).toBe("roomy");
  expect(densityFor([5], 10, 1e6)).toBe("roomy");
});
