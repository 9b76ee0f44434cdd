import assert from "node:assert/strict";
import { test } from "node:test";
import { type RunSummary, runSummary } from "./run-summary.js";

const summary: RunSummary = {
  completed: true,
  reason: "the run reached its end",
  steps: 4,
  epochs: 1,
  samples: 64,
  seconds: 2,
  imagesPerSecond: 32,
  loss: 1.5,
  validation: { loss: 1.4, ageMae: Number.NaN },
  validationEpoch: 0,
  weightsSha256: "ab",
  workers: 1,
  microBatchesByWorker: [4],
  leasesRedone: 0,
  resumedFromStep: null,
  coordinatorGeneration: 1,
  out: "/runs/a",
  exact: true,
  numerics: { backend: "torch" },
  phaseSeconds: { step: 0.5, commit: 0.1, fetchWeights: null, load: null, compute: 0.2, sum: null },
  goodput: { productiveSeconds: 1, wallSeconds: 2, savedAtMs: 3 },
};

test("runSummary reads a written summary back unchanged, except that a metric which is not finite is null", () => {
  const read = runSummary.parse(JSON.parse(JSON.stringify(summary)));
  assert.deepEqual(read, { ...summary, validation: { loss: 1.4, ageMae: null } });
});

test("runSummary refuses a summary without a field, and names the field", () => {
  const { weightsSha256: _, ...rest } = summary;
  assert.match(String(runSummary.safeParse(rest).error), /weightsSha256/);
});
