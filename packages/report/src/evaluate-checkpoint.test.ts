import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { CheckpointStore } from "@lockstep/checkpoint";
import { openDataset, splitDataset } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { createLayout, type RunSpec, runSpec } from "@lockstep/protocol";
import { loadRecipe } from "@lockstep/recipe";
import { type EvaluateOptions, evaluateCheckpoint } from "./evaluate-checkpoint.js";
import type { EvaluationReport } from "./evaluation-report.js";

const dataOptions = { data: "synthetic:200" };
const log = { info() {}, warn() {} };
let folder: string;
let report: EvaluationReport;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "lockstep-report-"));
  await writeRun("official", [2, 5]);
  await writeRun("random", [2]);
  ({ report } = await evaluateCheckpoint(optionsFor("official")));
});
after(() => rm(folder, { recursive: true, force: true }));

function optionsFor(run: string, overrides: Partial<EvaluateOptions> = {}): EvaluateOptions {
  return {
    checkpoint: join(folder, run),
    dataOptions,
    part: "val",
    cacheDir: join(folder, "cache"),
    backend: "cpu",
    log,
    ...overrides,
  };
}

/**
 * Writes the folder of a run with untrained weights, whose seed is the step. The validation loss of a checkpoint is its
 * step.
 */
async function writeRun(
  split: "official" | "random",
  steps: readonly number[],
  { name = split as string, microBatch = 8 } = {},
): Promise<void> {
  const dataset = await openDataset({ ...dataOptions, cacheDir: join(folder, "cache"), log });
  const parts = splitDataset(dataset, { split, subset: 1, seed: 7 });
  const definition = await loadRecipe("fairface");
  const options = definition.resolveOptions({ widths: [4, 4], denseUnits: 8 });
  const spec: RunSpec = runSpec.parse({
    formatVersion: 2,
    dataset: {
      kind: dataset.kind,
      fingerprint: dataset.fingerprint,
      split,
      subset: 1,
      samples: { train: parts.train.length, val: parts.val.length, test: parts.test.length },
    },
    imageSize: 16,
    recipe: { name: definition.name, options },
    optimizer: {
      name: "adam",
      learningRate: 1e-4,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      momentum: 0,
      weightDecay: 0,
      clipNorm: null,
    },
    schedule: { name: "constant", warmupSteps: 0, finalFraction: 1 },
    epochs: 1,
    microBatch,
    globalBatch: 16,
    seed: 7,
    precision: "f32",
  });
  const recipe = definition.bind({ options, imageSize: 16, labels: dataset.labels, trainingSamples: parts.train });
  const layout = createLayout(recipe.tensors.map((tensor) => ({ ...tensor })));
  const store = new CheckpointStore(join(folder, name, "checkpoints"));
  await store.prepare();
  for (const step of steps) {
    const weights = new Float32Array(layout.numElements);
    const values = recipe.initialWeights(step);
    for (const { name, offset } of layout.tensors) weights.set(values[name] ?? assert.fail(name), offset);
    await store.write({
      runSpec: spec,
      layout,
      weights,
      optimizerState: [{ name: "m", values: new Float32Array(layout.numParameters) }],
      position: { step, epoch: 0, stepInEpoch: step, validationRecorded: false },
      epochSums: [],
      epochSamples: 0,
      validation: { loss: step },
      numerics: {},
      pixelsSha256: null,
      coordinatorGeneration: 0,
      bookkeeping: {},
    });
  }
}

function heads() {
  const { gender, race, age } = report.heads;
  assert.ok(gender?.kind === "classes" && race?.kind === "classes" && age?.kind === "number" && age.bins !== null);
  return { gender, race, age, bins: age.bins };
}

test("every table counts each image of the part exactly once", () => {
  const numVal = Math.floor(0.15 * 200);
  const { gender, race, bins } = heads();
  assert.equal(report.samples, numVal);
  for (const { confusion } of [gender, race, bins]) {
    assert.equal(
      confusion.counts.flat().reduce((sum, count) => sum + count, 0),
      numVal,
    );
  }
});

test("the tables agree with the recipe's own metrics", () => {
  const { genderAccuracy = Number.NaN, raceAccuracy = Number.NaN, ageMae = Number.NaN } = report.metrics;
  const { ageRmse = Number.NaN, loss } = report.metrics;
  const { gender, race, age } = heads();
  assert.ok(Math.abs(gender.accuracy - genderAccuracy) < 1e-12);
  assert.ok(Math.abs(race.accuracy - raceAccuracy) < 1e-12);
  assert.ok(Math.abs(age.mae - ageMae) < 1e-4);
  assert.ok(Math.abs(age.rmse - ageRmse) < 1e-4);
  assert.ok(Number.isFinite(loss));
});

test("every interval contains its figure; without resamples the report has no intervals and is otherwise the same", async () => {
  const { gender, age, bins } = heads();
  const { accuracy, macroF1 } = gender.intervals ?? assert.fail();
  const { mae, rmse } = age.intervals ?? assert.fail();
  const { withinOne } = bins.intervals ?? assert.fail();
  for (const [value, { low, high }] of [
    [gender.accuracy, accuracy],
    [gender.macro.f1, macroF1],
    [age.mae, mae],
    [age.rmse, rmse],
    [bins.withinOne, withinOne],
  ] as const) {
    assert.ok(low <= value && value <= high, `${low} ${value} ${high}`);
  }
  const { report: bare } = await evaluateCheckpoint(optionsFor("official", { resamples: 0 }));
  assert.equal(bare.confidence, null);
  assert.deepEqual(bare.heads["gender"], { ...gender, intervals: null });
});

test("the CSV of predictions has one row for each image, and its correct predictions give the accuracy", async () => {
  const { predictionsCsv } = await evaluateCheckpoint(optionsFor("official", { resamples: 0 }));
  const [header = "", ...rows] = predictionsCsv().trim().split("\r\n");
  const columns = header.split(",");
  assert.deepEqual(columns.slice(0, 7), [
    ...["image", "part", "gender", "gender_predicted", "gender_correct", "gender_p_Male", "gender_p_Female"],
  ]);
  assert.equal(rows.length, report.samples);
  const cells = rows.map((row) => row.split(","));
  const right = cells.filter((row) => row[columns.indexOf("gender_correct")] === "1");
  assert.equal(right.length / rows.length, heads().gender.accuracy);
  assert.equal(new Set(cells.map(([image]) => image)).size, report.samples);
});

test("another micro-batch size changes the figures only by rounding", async () => {
  const [small, large] = [4, 16];
  for (const microBatch of [small, large]) await writeRun("official", [5], { name: `by-${microBatch}`, microBatch });
  const { report: other } = await evaluateCheckpoint(optionsFor(`by-${small}`, { resamples: 0 }));
  const { report: reference } = await evaluateCheckpoint(optionsFor(`by-${large}`, { resamples: 0 }));
  for (const [name, value] of Object.entries(reference.metrics)) {
    assert.ok(Math.abs(value - (other.metrics[name] ?? Number.NaN)) < 1e-5 * Math.abs(value), name);
  }
});

test("for the folder of a run the newest checkpoint is evaluated, or with `best` the one with the least validation loss", async () => {
  assert.equal(report.checkpoint.step, 5);
  assert.equal((await evaluateCheckpoint(optionsFor("official", { choice: "best" }))).report.checkpoint.step, 2);
});

test("a second evaluation gives the same report except for its duration", async () => {
  const again = await evaluateCheckpoint(optionsFor("official"));
  assert.deepEqual({ ...again.report, seconds: 0 }, { ...report, seconds: 0 });
});

test("the test part of a random split is evaluated; for an official split it is refused, and the message has what to do", async () => {
  const { part, samples } = (await evaluateCheckpoint(optionsFor("random", { part: "test" }))).report;
  assert.equal(part, "test");
  assert.ok(samples > 20 && samples < 40, `${samples}`);
  await assert.rejects(
    evaluateCheckpoint(optionsFor("official", { part: "test" })),
    (error) => error instanceof UserError && /official, which has no test part; .*--split random/.test(error.message),
  );
});

test("a data set that is not that of the run is refused, and the message has both fingerprints", async () => {
  await assert.rejects(
    evaluateCheckpoint(optionsFor("official", { dataOptions: { data: "synthetic:201" } })),
    (error) =>
      error instanceof UserError &&
      /^data synthetic:201: has fingerprint \w{12}, .* synthetic data with fingerprint \w{12}/.test(error.message),
  );
});

test("a folder that is not a run is refused, a damaged checkpoint of a run is skipped, and a damaged checkpoint named itself is refused", async () => {
  await assert.rejects(
    evaluateCheckpoint(optionsFor("nowhere")),
    /nowhere: neither a checkpoint .* nor a run's folder/,
  );
  await writeRun("random", [3]);
  const weights = join(folder, "random", "checkpoints", "step-00000003", "weights.safetensors");
  await writeFile(weights, "broken");
  const { checkpoint } = (await evaluateCheckpoint(optionsFor("random"))).report;
  assert.equal(checkpoint.step, 2); // the damaged one is skipped
  await assert.rejects(
    evaluateCheckpoint(optionsFor("random", { checkpoint: join(folder, "random", "checkpoints", "step-00000003") })),
    UserError,
  );
});

test("an evaluation stops when its signal is aborted", async () => {
  await assert.rejects(evaluateCheckpoint(optionsFor("official", { signal: AbortSignal.abort() })), {
    name: "AbortError",
  });
});
