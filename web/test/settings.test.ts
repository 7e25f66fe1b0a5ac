import { expect, test } from "vitest";
import {
  numberOf,
  readSurgeFields,
  readThresholdFields,
  readWallFields,
  surgeFields,
  surgeQueues,
  thresholdFields,
  wallFields,
} from "../src/settings/values";

const SCALES = { service_level: 100, asa: 1 };

test("numbers as people write them", () => {
  expect(["80", " 80.5 ", "80,5", "80%", "", "many", "1e999"].map(numberOf)).toEqual([
    80,
    80.5,
    80.5,
    80,
    null,
    null,
    null,
  ]);
});

test("thresholds come back as they were kept, shares as percentages", () => {
  const kept = {
    metrics: { service_level: { warn: 0.8, breach: 0.57 }, aht: { warn: 300, breach: 400 } },
  };
  const fields = thresholdFields(kept, SCALES);
  expect(fields["metrics.service_level.breach"]).toBe("57");
  expect(readThresholdFields(fields, SCALES, kept)).toEqual({ value: kept, wrong: {} });
});

test("a threshold has both limits or none; what is not shown stays", () => {
  const before = { metrics: { asa: { warn: 1, breach: 2 }, aht: { warn: 3, breach: 4 } } };
  const fields = { "metrics.service_level.warn": "80", "metrics.asa.warn": "x" };
  expect(readThresholdFields(fields, SCALES, before)).toEqual({
    value: { metrics: { aht: { warn: 3, breach: 4 } } },
    wrong: {
      "metrics.service_level.breach": "both",
      "metrics.asa.warn": "number",
      "metrics.asa.breach": "both",
    },
  });
});

test("surge levels come back as they were kept", () => {
  const kept = {
    default: { waiting: [5, 10, 20], service_level: [0.8, 0.6, 0.29], longest_wait_s: null },
    queues: { hotline: { waiting: [8, 16, 32] } },
    calm_s: 90,
  };
  const fields = surgeFields(kept);
  expect(fields["default.service_level.3"]).toBe("29");
  expect(surgeQueues(kept)).toEqual(["hotline"]);
  expect(readSurgeFields(fields, ["hotline"])).toEqual({ value: kept, wrong: {} });
  // Empty: as configured.
  expect(readSurgeFields({}, []).value).toEqual({ default: {}, queues: {} });
});

test("a measure has all three levels", () => {
  const { wrong } = readSurgeFields(
    { "default.waiting.1": "5", "default.longest_wait_s.1": "a", calm_s: "soon" },
    [],
  );
  expect(wrong).toEqual({
    "default.waiting": "three",
    "default.longest_wait_s": "three",
    calm_s: "number",
  });
});

test("the rotation of a wall", () => {
  const kept = { seconds: 20, period: "today", queues: ["b", "a"], overview: false, chart: true };
  expect(readWallFields(wallFields(kept))).toEqual({ value: kept, wrong: {} });
  expect(readWallFields({ ...wallFields(kept), seconds: "4" }).wrong).toEqual({ seconds: "range" });
  expect(readWallFields({ ...wallFields(kept), seconds: "" }).wrong).toEqual({ seconds: "number" });
});
