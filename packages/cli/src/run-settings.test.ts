import assert from "node:assert/strict";
import { test } from "node:test";
import { type RunSpec, runSpec } from "@lockstep/protocol";
import { runSettings, type SpecFlags, specFlags } from "./run-settings.js";

/** As commander hands them over when nothing was said. */
const nothing = Object.fromEntries(specFlags.map((name) => [name, undefined])) as SpecFlags;

const former: RunSpec = runSpec.parse({
  formatVersion: 2,
  dataset: {
    kind: "fairface",
    fingerprint: "f",
    split: "random",
    subset: 0.5,
    samples: { train: 70, val: 15, test: 15 },
  },
  recipe: { name: "fairface", options: { widths: [4, 8], taskWeights: { gender: 1, race: 3, age: 1 } } },
  ...runSettings({ ...nothing, lr: 0.01, seed: 5, epochs: 3, optimizer: "adamw" }, null).rest,
  precision: "f32",
});

test("nothing said: the document's recipe", () => {
  const { split, subset, recipeOptions, rest } = runSettings(nothing, null);
  assert.deepEqual([split, subset, recipeOptions], ["official", 1, {}]);
  assert.deepEqual(
    [rest.imageSize, rest.microBatch, rest.globalBatch, rest.epochs, rest.optimizer.name, rest.optimizer.learningRate],
    [64, 32, 64, 20, "adam", 1e-4],
  );
});

test("a resumed run keeps every value that is not said anew", () => {
  const { split, subset, recipeOptions, rest } = runSettings(nothing, former);
  const {
    dataset: _dataset,
    formatVersion: _version,
    precision: _precision,
    recipe: formerRecipe,
    ...formerRest
  } = former;
  assert.deepEqual([split, subset, recipeOptions, rest], ["random", 0.5, formerRecipe.options, formerRest]);
});

test("what is said anew replaces the resumed run's value, so that the difference can be named", () => {
  const settings = runSettings({ ...nothing, lr: 0.5, taskWeights: { age: 2 } }, former);
  assert.equal(settings.rest.optimizer.learningRate, 0.5);
  assert.equal(settings.rest.seed, 5);
  assert.deepEqual(settings.recipeOptions, { widths: [4, 8], taskWeights: { gender: 1, race: 3, age: 2 } });
});

test("--no-augmentation turns it off, and only what was said reaches the recipe", () => {
  const given: SpecFlags = { ...nothing, augmentation: false, dropout: 0 };
  assert.deepEqual(runSettings(given, null).recipeOptions, { augmentation: null, dropout: 0 });
  assert.deepEqual(runSettings({ ...nothing, augmentation: true }, null).recipeOptions, {});
});

test("augmentation that is said to be on is the recipe's default again where the resumed run had none", () => {
  const optionsOf = (
    augmentation: { flip: boolean } | null,
    said: boolean | undefined,
  ): Readonly<Record<string, unknown>> => {
    const resumed = { ...former, recipe: { name: "fairface", options: { augmentation } } };
    return runSettings({ ...nothing, augmentation: said }, resumed).recipeOptions;
  };
  assert.deepEqual(optionsOf(null, undefined), { augmentation: null });
  assert.deepEqual(optionsOf(null, true), {});
  assert.deepEqual(optionsOf({ flip: true }, true), { augmentation: { flip: true } });
  assert.deepEqual(optionsOf({ flip: true }, false), { augmentation: null });
});

test("early stopping is one part of the spec: its patience is kept by a resume, its delta needs it", () => {
  assert.equal("earlyStop" in runSettings(nothing, null).rest, false);
  const given: SpecFlags = { ...nothing, earlyStopPatience: 3 };
  assert.deepEqual(runSettings(given, null).rest.earlyStop, { patience: 3, minDelta: 0 });
  const resumed = { ...former, earlyStop: { patience: 3, minDelta: 0.5 } };
  assert.deepEqual(runSettings(nothing, resumed).rest.earlyStop, { patience: 3, minDelta: 0.5 });
  assert.throws(() => runSettings({ ...nothing, earlyStopMinDelta: 0.1 }, null), /needs --early-stop-patience/);
});
