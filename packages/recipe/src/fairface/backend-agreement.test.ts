// Tests that the FairFace recipe computes the same on libtorch's backend and on tfjs' backend in plain JavaScript.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Engine } from "../engine/engine.js";
import { describeEngines, loadEngine } from "../engine/load-engine.js";
import type { MicroBatch, Recipe } from "../recipe.js";
import {
  disposeAll,
  imageSize,
  silent,
  tinyBatch,
  tinyRecipe,
  trainOnce,
  uploaded,
  valuesNamed,
} from "./tiny-problem.js";

const torch = (await describeEngines()).find(({ backend }) => backend === "torch");
const skip = torch?.available ? false : `no torch backend: ${torch?.detail}`;

/** Does the work on one backend, then on the other: tfjs has one current backend in a thread. */
async function onBoth<T>(work: (engine: Engine) => T): Promise<{ cpu: T; torch: T }> {
  const on = async (backend: "cpu" | "torch"): Promise<T> => work(await loadEngine({ backend, log: silent }));
  return { cpu: await on("cpu"), torch: await on("torch") };
}

function evaluated(engine: Engine, recipe: Recipe, batch: MicroBatch): Float64Array {
  const weights = uploaded(engine, recipe, recipe.initialWeights(3));
  const { sums } = recipe.evaluate(engine.tf, weights, batch, recipe.passConstants(batch.samples));
  disposeAll(weights);
  return sums;
}

test("torch agrees with the cpu backend on loss, gradients and statistics, with dropout and augmentation", {
  skip,
}, async () => {
  const recipe = tinyRecipe({ widths: [4, 8, 8], denseUnits: 8 }, 8);
  const results = await onBoth((engine) => trainOnce(engine, recipe, recipe.initialWeights(3), tinyBatch(0, 5)));
  results.cpu.sums.forEach((sum, i) => {
    assert.ok(
      Math.abs(sum - (results.torch.sums[i] ?? Number.NaN)) <= 1e-5 * Math.max(1, Math.abs(sum)),
      recipe.sumNames[i],
    );
  });
  assert.deepEqual(Object.keys(results.torch.values).sort(), recipe.tensors.map(({ name }) => name).sort());
  for (const { name } of recipe.tensors) {
    const [expected, actual] = [valuesNamed(results.cpu.values, name), valuesNamed(results.torch.values, name)];
    const greatest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const error = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (actual[i] ?? Number.NaN))), 0);
    assert.ok(error <= 1e-4 * greatest, `${name}: ${error} of ${greatest}`);
  }
});

test("torch agrees with the cpu backend in inference", { skip }, async () => {
  const recipe = tinyRecipe({ widths: [4, 8], denseUnits: 8 }, 8);
  const results = await onBoth((engine) => evaluated(engine, recipe, tinyBatch(0, 5)));
  results.cpu.forEach((sum, i) => {
    assert.ok(
      Math.abs(sum - (results.torch[i] ?? Number.NaN)) <= 1e-5 * Math.max(1, Math.abs(sum)),
      recipe.sumNames[i],
    );
  });
});

test("torch repeats a training pass to the last bit and disposes its tensors", { skip }, async () => {
  const recipe = tinyRecipe({ widths: [8, 16], denseUnits: 16 }, 8);
  const engine = await loadEngine({ backend: "torch", log: silent });
  const run = () => trainOnce(engine, recipe, recipe.initialWeights(3), tinyBatch(0, 8));
  const first = run();
  const numBefore = engine.tf.memory().numTensors;
  assert.deepEqual(run(), first);
  assert.equal(engine.tf.memory().numTensors, numBefore);
});

test("torch accepts pixels in shared memory and computes the same gradients", { skip }, async () => {
  const recipe = tinyRecipe({ widths: [4, 4], denseUnits: 8 }, 8);
  const engine = await loadEngine({ backend: "torch", log: silent });
  const plain = tinyBatch(0, 4);
  const shared = new Uint8Array(new SharedArrayBuffer(4 * imageSize * imageSize * 3));
  shared.set(plain.pixels_BHWC);
  const values = recipe.initialWeights(3);
  assert.deepEqual(
    trainOnce(engine, recipe, values, { ...plain, pixels_BHWC: shared }),
    trainOnce(engine, recipe, values, plain),
  );
});
