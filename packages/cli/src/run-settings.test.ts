import assert from "node:assert/strict";
import { test } from "node:test";
import { type RunSpec, runSpec } from "@lockstep/protocol";
import { draftSpec, type GivenToRun } from "./run-settings.js";

function specOf(given: GivenToRun, recipeOptions: RunSpec["recipe"]["options"]): RunSpec {
  const { dataset, ...draft } = draftSpec(given, null);
  return runSpec.parse({
    ...draft,
    dataset: { ...dataset, kind: "fairface", fingerprint: "f", samples: { train: 70, val: 15, test: 15 } },
    recipe: { name: "fairface", options: recipeOptions },
  });
}

const former = specOf(
  { split: "random", subset: 0.5, lr: 0.01, seed: 5, epochs: 3, optimizer: "adamw", clipNorm: 2 },
  { widths: [4, 8], taskWeights: { gender: 1, race: 3, age: 1 } },
);

test("without given settings, every field of the spec has the documented default", () => {
  assert.deepEqual(draftSpec({}, null), {
    formatVersion: 2,
    dataset: { split: "official", subset: 1 },
    imageSize: 64,
    recipe: { options: {} },
    optimizer: {
      name: "adam",
      learningRate: 1e-4,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      momentum: 0.9,
      weightDecay: 0,
      clipNorm: null,
    },
    schedule: { name: "constant", warmupSteps: 0, finalFraction: 0 },
    epochs: 20,
    microBatch: 32,
    globalBatch: 64,
    seed: 0,
    precision: "f32",
  });
});

test("a resumed run keeps every value that is not given", () => {
  const { dataset, recipe, ...rest } = former;
  assert.deepEqual(draftSpec({}, former), {
    ...rest,
    dataset: { split: dataset.split, subset: dataset.subset },
    recipe: { options: recipe.options },
  });
});

test("a given value replaces the run's value, so that the difference can be reported", () => {
  const draft = draftSpec({ lr: 0.5, taskWeights: { age: 2 } }, former);
  assert.equal(draft.optimizer.learningRate, 0.5);
  assert.equal(draft.seed, 5);
  assert.deepEqual(draft.recipe.options, { widths: [4, 8], taskWeights: { gender: 1, race: 3, age: 2 } });
});

test("--no-augmentation turns it off, and only what is given reaches the recipe", () => {
  const optionsOf = (given: GivenToRun) => draftSpec(given, null).recipe.options;
  assert.deepEqual(optionsOf({ augmentation: false, dropout: 0 }), { augmentation: null, dropout: 0 });
  assert.deepEqual(optionsOf({ augmentation: true }), {});
  assert.deepEqual(optionsOf({ dropout: 0.5, recipeOptions: { dropout: 0.1, units: 4 } }), { dropout: 0.1, units: 4 });
});

test("turning augmentation on gives the recipe's default if the run had none", () => {
  const optionsOf = (augmentation: { flip: boolean } | null, given: GivenToRun) =>
    draftSpec(given, { ...former, recipe: { name: "fairface", options: { augmentation } } }).recipe.options;
  assert.deepEqual(optionsOf(null, {}), { augmentation: null });
  assert.deepEqual(optionsOf(null, { augmentation: true }), {});
  assert.deepEqual(optionsOf({ flip: true }, { augmentation: true }), { augmentation: { flip: true } });
  assert.deepEqual(optionsOf({ flip: true }, { augmentation: false }), { augmentation: null });
});

test("early stopping is one part of the spec: a resumed run keeps its patience, and its delta requires a patience", () => {
  assert.equal("earlyStop" in draftSpec({}, null), false);
  assert.deepEqual(draftSpec({ earlyStopPatience: 3 }, null).earlyStop, { patience: 3, minDelta: 0 });
  const resumed = { ...former, earlyStop: { patience: 3, minDelta: 0.5 } };
  assert.deepEqual(draftSpec({}, resumed).earlyStop, { patience: 3, minDelta: 0.5 });
  assert.deepEqual(draftSpec({ earlyStopPatience: 4 }, former).earlyStop, { patience: 4, minDelta: 0 });
  assert.throws(() => draftSpec({ earlyStopMinDelta: 0.1 }, null), /needs --early-stop-patience/);
});
