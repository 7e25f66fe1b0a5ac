import { expect, test } from "vitest";
import {
  duration,
  limit,
  measure,
  offset,
  percent,
  shortDuration,
  splitPerson,
  zoneName,
} from "../src/model/format";

test("durations count whole seconds and never run below zero", () => {
  expect([0, 0.99, 9, 59.999, 60, 3599, 3600, 36061].map(duration)).toEqual([
    "0:00",
    "0:00",
    "0:09",
    "0:59",
    "1:00",
    "59:59",
    "1:00:00",
    "10:01:01",
  ]);
  expect(duration(-3)).toBe("0:00");
});

test("tiles drop the seconds from an hour on", () => {
  expect([59, 3599, 3660, 36000].map(shortDuration)).toEqual(["0:59", "59:59", "1h01", "10h00"]);
});

test("measured values and limits", () => {
  expect([10, 34.26, 920].map(measure)).toEqual(["10.0 s", "34.3 s", "15:20"]);
  expect([10, 2.5, 900].map(limit)).toEqual(["10 s", "2.5 s", "15:00"]);
  // What is left of 1_790_000_010.1 - 1_790_000_000.1 in floats.
  expect(limit(1_790_000_010.1 - 1_790_000_000.1)).toBe("10 s");
});

test("100 % means all of them", () => {
  expect([0, 0.934, 0.9999, 1, 0.29].map(percent)).toEqual(["0", "93", "99", "100", "29"]);
});

test("clock offsets carry their sign", () => {
  expect([0, 0.001, 0.02, -0.5, 3600].map(offset)).toEqual([
    "0.00 s",
    "0.00 s",
    "+0.02 s",
    "−0.50 s",
    "+3600 s",
  ]);
});

test("a staff number is told from the name", () => {
  expect(["赵敏 8006", "Wang Wu", "8006", "Li Si 2 17", ""].map(splitPerson)).toEqual([
    ["赵敏", "8006"],
    ["Wang Wu", ""],
    ["8006", ""],
    ["Li Si 2", "17"],
    ["", ""],
  ]);
});

test("a zone is named by its distance from UTC", () => {
  expect([0, 28_800, 19_800, -12_600].map(zoneName)).toEqual([
    "UTC",
    "UTC+8",
    "UTC+5:30",
    "UTC−3:30",
  ]);
});
