import assert from "node:assert/strict";
import { before, test } from "node:test";
import { createOptimizer } from "@lockstep/numerics";
import type { Engine } from "../engine/engine.js";
import { loadEngine } from "../engine/load-engine.js";
import {
  disposeAll,
  downloaded,
  imageSize,
  plainOptions,
  range,
  silent,
  tinyBatch,
  tinyRecipe,
  trainOnce,
  uploaded,
  valuesNamed,
} from "./tiny-problem.js";

let engine: Engine;
before(async () => {
  engine = await loadEngine({ backend: "cpu", log: silent });
});

const lossIndex = 1;
const adam = { name: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, momentum: 0, weightDecay: 0 } as const;

function sumOf(sums: Float64Array, index: number): number {
  const sum = sums[index];
  if (sum === undefined) throw new Error(`no sum ${index}`);
  return sum;
}

test("gradients agree with numerical differences of the loss, with dropout and augmentation", () => {
  const recipe = tinyRecipe({ widths: [4, 8], denseUnits: 8, taskWeights: { gender: 1, race: 2, age: 3 } }, 8);
  const values = recipe.initialWeights(3);
  const batch = tinyBatch(0, 4);
  const { values: gradients } = trainOnce(engine, recipe, values, batch);
  const lossWith = (name: string, index: number, change: number): number => {
    const moved = valuesNamed(values, name).slice();
    moved[index] = (moved[index] ?? Number.NaN) + change;
    return sumOf(trainOnce(engine, recipe, { ...values, [name]: moved }, batch).sums, lossIndex);
  };
  const h = 1e-3;
  for (const name of [
    "conv1/kernel",
    "norm1/scale",
    "norm2/offset",
    "conv2/kernel",
    "dense/kernel",
    "race/kernel",
    "age/bias",
  ]) {
    const gradient = valuesNamed(gradients, name);
    // The steepest entry: float32 differences are too inexact for small gradients.
    const index = gradient.reduce((best, value, i) => (Math.abs(value) > Math.abs(gradient[best] ?? 0) ? i : best), 0);
    const numerical = (lossWith(name, index, h) - lossWith(name, index, -h)) / (2 * h);
    const analytical = gradient[index] ?? Number.NaN;
    assert.ok(Math.abs(analytical) > 1e-3, `${name}[${index}] has gradient ${analytical}`);
    assert.ok(
      Math.abs(numerical - analytical) < 0.02 * Math.abs(analytical) + 1e-3,
      `${name}[${index}]: ${analytical}, numerically ${numerical}`,
    );
  }
});

test("two training passes over the same micro-batch give the same bytes", () => {
  const recipe = tinyRecipe({ widths: [4, 8], denseUnits: 8 }, 8);
  const values = recipe.initialWeights(3);
  const [one, two] = [
    trainOnce(engine, recipe, values, tinyBatch(0, 4)),
    trainOnce(engine, recipe, values, tinyBatch(0, 4)),
  ];
  assert.deepEqual(one, two);
});

test("dropout depends on step and micro-batch, and augmentation on the epoch", () => {
  const dropping = tinyRecipe({ ...plainOptions, denseUnits: 32, dropout: 0.5 }, 8);
  const augmenting = tinyRecipe({ ...plainOptions, augmentation: {} }, 8);
  const lossOf = (recipe: typeof dropping, key: object) =>
    sumOf(trainOnce(engine, recipe, recipe.initialWeights(3), tinyBatch(0, 4, key)).sums, lossIndex);
  assert.notEqual(lossOf(dropping, { step: 0 }), lossOf(dropping, { step: 1 }));
  assert.notEqual(lossOf(dropping, { microBatch: 0 }), lossOf(dropping, { microBatch: 1 }));
  assert.equal(lossOf(dropping, { epoch: 0 }), lossOf(dropping, { epoch: 1 }));
  assert.notEqual(lossOf(augmenting, { epoch: 0 }), lossOf(augmenting, { epoch: 1 }));
  assert.equal(lossOf(augmenting, { step: 0 }), lossOf(augmenting, { step: 1 }));
});

test("a sample's augmentation depends on its position in the epoch, not on its micro-batch", () => {
  const recipe = tinyRecipe({ ...plainOptions, augmentation: {} }, 8);
  const values = recipe.initialWeights(3);
  const pixels = tinyBatch(0, 4);
  const alone = { ...tinyBatch(2, 1), key: { ...pixels.key, microBatch: 5 } };
  // A micro-batch of one sample, because batch norm makes a sample's results depend on the others.
  const again = {
    ...alone,
    pixels_BHWC: pixels.pixels_BHWC.subarray(2 * imageSize * imageSize * 3, 3 * imageSize * imageSize * 3),
  };
  assert.deepEqual(trainOnce(engine, recipe, values, alone), trainOnce(engine, recipe, values, again));
});

test("in inference the sums of a pass are the totals over its micro-batches", () => {
  const recipe = tinyRecipe(plainOptions, 11);
  const weights = uploaded(engine, recipe, recipe.initialWeights(3));
  const constants = recipe.passConstants(range(0, 11));
  const whole = recipe.evaluate(engine.tf, weights, tinyBatch(0, 11), constants).sums;
  const parts = [tinyBatch(0, 3), tinyBatch(3, 3), tinyBatch(6, 3), tinyBatch(9, 2)];
  const summed = new Float64Array(whole.length);
  for (const part of parts) {
    recipe.evaluate(engine.tf, weights, part, constants).sums.forEach((value, i) => {
      summed[i] = (summed[i] ?? 0) + value;
    });
  }
  whole.forEach((value, i) => {
    const name = recipe.sumNames[i];
    assert.ok(
      Math.abs(value - sumOf(summed, i)) <= 1e-6 * Math.max(1, Math.abs(value)),
      `${name}: ${value}, ${summed[i]}`,
    );
  });
  disposeAll(weights);
});

test("inference with a batch's own statistics as running statistics gives the training loss of that batch", () => {
  const recipe = tinyRecipe(plainOptions, 8);
  const batch = tinyBatch(0, 8);
  const values = recipe.initialWeights(3);
  const trained = trainOnce(engine, recipe, values, batch);
  const own: Record<string, Float32Array> = {};
  for (const [block, side] of [
    [1, imageSize],
    [2, imageSize / 2],
  ] as const) {
    const count = 8 * side * side;
    own[`norm${block}/mean`] = valuesNamed(trained.values, `norm${block}/mean`);
    // Training normalises by the biased variance and returns the unbiased variance.
    own[`norm${block}/variance`] = valuesNamed(trained.values, `norm${block}/variance`).map(
      (v) => (v * (count - 1)) / count,
    );
  }
  const weights = uploaded(engine, recipe, { ...values, ...own });
  const { sums } = recipe.evaluate(engine.tf, weights, batch, recipe.passConstants(batch.samples));
  assert.ok(Math.abs(sumOf(sums, lossIndex) - sumOf(trained.sums, lossIndex)) < 1e-5);
  disposeAll(weights);
});

test("thirty steps of Adam reduce the loss of a tiny batch to less than a fifth", () => {
  const recipe = tinyRecipe({ ...plainOptions, denseUnits: 16 }, 6);
  const batch = tinyBatch(0, 6);
  const values = recipe.initialWeights(3);
  const parameters = recipe.tensors.filter(({ kind }) => kind === "parameter");
  const optimizers = parameters.map(({ name }) => {
    const size = valuesNamed(values, name).length;
    return {
      name,
      optimizer: createOptimizer(adam, { numParameters: size, tensors: [{ offset: 0, size, kind: "parameter" }] }),
    };
  });
  const losses = Array.from({ length: 30 }, (_, stepIndex) => {
    const trained = trainOnce(engine, recipe, values, batch);
    for (const { name, optimizer } of optimizers) {
      const gradient = valuesNamed(trained.values, name);
      optimizer.step({ weights: valuesNamed(values, name), gradient, stepIndex, learningRate: 0.02, gradientScale: 1 });
    }
    return sumOf(trained.sums, lossIndex);
  });
  const [first = 0, last = 0] = [losses[0], losses.at(-1)];
  assert.ok(last < 0.2 * first, `loss went from ${first} to ${last}`);
});

test("training and evaluation dispose every tensor that they do not return", () => {
  const recipe = tinyRecipe({ widths: [4, 8], denseUnits: 8 }, 8);
  const weights = uploaded(engine, recipe, recipe.initialWeights(3));
  const batch = tinyBatch(0, 4);
  const constants = recipe.passConstants(batch.samples);
  const numBefore = engine.tf.memory().numTensors;
  const result = recipe.train(engine.tf, weights, batch, constants);
  const numReturned = Object.keys(result.gradients).length + Object.keys(result.statistics).length;
  assert.equal(numReturned, recipe.tensors.length);
  assert.equal(engine.tf.memory().numTensors, numBefore + numReturned);
  downloaded(engine, result);
  recipe.evaluate(engine.tf, weights, batch, constants);
  assert.equal(engine.tf.memory().numTensors, numBefore);
  disposeAll(weights);
});

test("a training pass that throws disposes its tensors", () => {
  const recipe = tinyRecipe(plainOptions, 8);
  const weights = uploaded(engine, recipe, recipe.initialWeights(3));
  const batch = tinyBatch(0, 4);
  const numBefore = engine.tf.memory().numTensors;
  assert.throws(() => recipe.train(engine.tf, weights, batch, {}), /pass constant samples/);
  assert.equal(engine.tf.memory().numTensors, numBefore);
  disposeAll(weights);
});

test("an evaluation returns predictions by head: logits of gender and race, and the age in years", () => {
  const recipe = tinyRecipe(plainOptions, 8);
  const values = { ...recipe.initialWeights(3), "age/kernel": new Float32Array(8), "age/bias": Float32Array.of(0.345) };
  const weights = uploaded(engine, recipe, values);
  const batch = tinyBatch(0, 3);
  const { predictions } = recipe.evaluate(engine.tf, weights, batch, recipe.passConstants(batch.samples));
  assert.deepEqual(
    Object.entries(predictions).map(([head, { width, values: outputs }]) => [head, width, outputs.length]),
    [
      ["gender", 1, 3],
      ["race", 7, 21],
      ["age", 1, 3],
    ],
  );
  const { age } = predictions;
  for (const years of age?.values ?? []) assert.ok(Math.abs(years - 34.5) < 1e-4);
  disposeAll(weights);
});
