import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fairfaceLabels } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs-layers";
import { checkRecipe } from "../check/check-recipe.js";
import type { Engine } from "../engine/engine.js";
import { loadEngine } from "../engine/load-engine.js";
import { imageSize, range, silent, tinyBatch, tinyLabels, trainOnce } from "../fairface/tiny-problem.js";
import type { Recipe, RecipeDefinition } from "../recipe.js";
import { type LayersRecipeDeclaration, layersRecipe, type Tfl } from "./layers-recipe.js";

let engine: Engine;
before(async () => {
  engine = await loadEngine({ backend: "cpu", log: silent });
});

type Build = LayersRecipeDeclaration<Record<string, never>>["build"];
type Layer = { apply(inputs: SymbolicTensor): unknown };

function recipeOf(build: Build): RecipeDefinition {
  const heads = { gender: { loss: "binaryCrossEntropy" } } as const;
  return layersRecipe({ name: "layered", labels: fairfaceLabels, heads, build });
}

/** A model of the images, then the given layers, flatten and one logit. */
function sequential(tfl: Tfl, ...layers: readonly Layer[]): LayersModel {
  const input = tfl.input({ shape: [imageSize, imageSize, 3] });
  const through = [...layers, tfl.layers.flatten(), tfl.layers.dense({ units: 1, name: "gender" })];
  const output = through.reduce<SymbolicTensor>((x, layer) => layer.apply(x) as SymbolicTensor, input);
  return tfl.model({ inputs: input, outputs: output });
}

const allKinds = recipeOf(({ tfl }) =>
  sequential(
    tfl,
    tfl.layers.conv2d({ filters: 4, kernelSize: 3, activation: "relu", kernelInitializer: "heNormal" }),
    tfl.layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, useBias: false }),
    tfl.layers.batchNormalization({ momentum: 0.9 }),
    tfl.layers.reLU(),
    tfl.layers.dropout({ rate: 0.25 }),
    tfl.layers.maxPooling2d({ poolSize: 2 }),
    tfl.layers.batchNormalization({ momentum: 0.9, center: false, scale: false }),
    tfl.layers.dropout({ rate: 0.25 }),
  ),
);

function bound(definition: RecipeDefinition): Recipe {
  return definition.bind({ options: {}, imageSize, labels: tinyLabels(8), trainingSamples: range(0, 8) });
}

function refusal(build: Build): string {
  try {
    bound(recipeOf(build));
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error.message;
  }
  return "accepted";
}

test("a model with convolutions, batch norm, dropout and pooling keeps every rule", () => {
  const { samples, pixels_BHWC } = tinyBatch(0, 8);
  const results = checkRecipe({
    ...{ definition: allKinds, options: {}, engine, imageSize, samples, pixels_BHWC, folder: null },
    labels: tinyLabels(8),
    trainingSamples: range(0, 8),
  });
  assert.deepEqual(
    results.filter(({ problem }) => problem !== null),
    [],
  );
});

test("the numbers in the names of tensors count the layers of the model, not of the process", () => {
  const names = bound(allKinds).tensors.map(({ name, kind, momentum }) => [name, kind, momentum]);
  assert.deepEqual(names, [
    ["conv2d_1/kernel", "parameter", undefined],
    ["conv2d_1/bias", "parameter", undefined],
    ["conv2d_2/kernel", "parameter", undefined],
    ["batch_normalization_1/gamma", "parameter", undefined],
    ["batch_normalization_1/beta", "parameter", undefined],
    ["batch_normalization_1/moving_mean", "statistic", 0.1],
    ["batch_normalization_1/moving_variance", "statistic", 0.1],
    ["batch_normalization_2/moving_mean", "statistic", 0.1],
    ["batch_normalization_2/moving_variance", "statistic", 0.1],
    ["gender/kernel", "parameter", undefined],
    ["gender/bias", "parameter", undefined],
  ]);
  assert.deepEqual(
    bound(allKinds).tensors.map(({ name }) => name),
    names.map(([name]) => name),
  );
});

test("binding disposes the model's own weights", () => {
  bound(allKinds); // at its first use, tfjs-layers makes a few scalars that it never disposes
  const before = engine.tf.memory().numTensors;
  bound(allKinds);
  assert.equal(engine.tf.memory().numTensors, before);
});

test("initial values have the distributions of the layers' initialisers, and are drawn from the seed", () => {
  const initial = bound(allKinds).initialWeights(5);
  assert.deepEqual(initial, bound(allKinds).initialWeights(5));
  const kernel = initial["conv2d_1/kernel"] ?? assert.fail();
  const std = Math.sqrt(2 / 27); // He et al. 2015, truncated at two standard deviations
  const squares = kernel.reduce((sum, value) => sum + value ** 2, 0) / kernel.length;
  assert.ok(kernel.every((value) => Math.abs(value) <= 2 * std));
  assert.ok(squares > 0.5 * std ** 2 && squares < std ** 2, `${squares} of ${std ** 2}`);
  const normal = initial["gender/kernel"] ?? assert.fail();
  const limit = 2 * Math.sqrt(2 / (normal.length + 1)); // Glorot and Bengio 2010, truncated
  assert.ok(normal.every((value) => Math.abs(value) <= limit) && normal.some((value) => value !== 0));
  assert.ok(initial["batch_normalization_1/gamma"]?.every((value) => value === 1));
});

test("dropout depends on step and micro-batch", () => {
  const recipe = bound(allKinds);
  const values = recipe.initialWeights(3);
  const lossOf = (key: object) => trainOnce(engine, recipe, values, tinyBatch(0, 4, key)).sums[1];
  assert.equal(lossOf({ step: 0 }), lossOf({ step: 0 }));
  assert.notEqual(lossOf({ step: 0 }), lossOf({ step: 1 }));
  assert.notEqual(lossOf({ microBatch: 0 }), lossOf({ microBatch: 1 }));
});

test("a layer that would break a rule is refused by name, with what to use instead", () => {
  assert.match(
    refusal(({ tfl }) => sequential(tfl, tfl.layers.gaussianNoise({ stddev: 1 }))),
    /GaussianNoise\): draws random numbers .*; use Dropout/,
  );
  assert.match(
    refusal(({ tfl }) => sequential(tfl, tfl.layers.conv2d({ filters: 2, kernelSize: 3, kernelRegularizer: "l1l2" }))),
    /kernelRegularizer is not supported: its penalty would not be in the loss; use --optimizer adamw/,
  );
  assert.match(
    refusal(({ tfl }) => sequential(tfl, tfl.layers.conv2d({ filters: 2, kernelSize: 3, trainable: false }))),
    /is frozen/,
  );
  assert.match(
    refusal(({ tfl }) =>
      sequential(
        tfl,
        tfl.layers.conv2d({
          filters: 2,
          kernelSize: 3,
          kernelInitializer: tfl.initializers.randomUniform({ maxval: 1 }),
        }),
      ),
    ),
    /weight kernel: randomUniform from -0.05 to 1: must be symmetric about 0/,
  );
  assert.match(
    refusal(({ tfl }) => sequential(tfl, tfl.layers.batchNormalization({ axis: 1 }))),
    /axis 1: must be the last/,
  );
  assert.match(
    refusal(({ tfl }) =>
      tfl.sequential({ layers: [tfl.layers.flatten({ inputShape: [8, 8, 3] }), tfl.layers.dense({ units: 1 })] }),
    ),
    /its model has inputs of shape \[8, 8, 3\]; its one input must be the images, \[16, 16, 3\]/,
  );
  assert.match(
    refusal(() => undefined as never),
    /its build returns no model/,
  );
});

test("a batch norm that is frozen or applied twice is refused by name, also in a nested model", () => {
  const frozen = /batch_normalization\S* \(BatchNormalization\): is frozen \(trainable: false\)/;
  assert.match(
    refusal(({ tfl }) => sequential(tfl, tfl.layers.batchNormalization({ trainable: false }))),
    frozen,
  );
  assert.match(
    refusal(({ tfl }) => {
      const model = sequential(tfl, tfl.layers.batchNormalization());
      for (const layer of model.layers) if (layer.name !== "gender") layer.trainable = false;
      return model;
    }),
    frozen,
  );
  const twice = /layer shared \(BatchNormalization\): is applied 2 times, .*; make one layer for each/;
  assert.match(
    refusal(({ tfl }) => {
      const shared = tfl.layers.batchNormalization({ name: "shared" });
      return sequential(tfl, shared, tfl.layers.reLU(), shared);
    }),
    twice,
  );
  assert.match(
    refusal(({ tfl }) => {
      const input = tfl.input({ shape: [imageSize, imageSize, 3] });
      const output = tfl.layers.batchNormalization({ name: "shared" }).apply(input) as SymbolicTensor;
      const nested = tfl.model({ inputs: input, outputs: output });
      return sequential(tfl, nested, nested);
    }),
    twice,
  );
});

test("a batch norm is accepted in a nested or sequential model, without parameters, and with calls outside the model", () => {
  const inputShape = [imageSize, imageSize, 3];
  assert.equal(
    refusal(({ tfl }) => {
      const nested = tfl.sequential({ layers: [tfl.layers.batchNormalization({ inputShape })] });
      return sequential(tfl, nested);
    }),
    "accepted",
  );
  assert.equal(
    refusal(({ tfl }) =>
      tfl.sequential({
        layers: [
          tfl.layers.batchNormalization({ inputShape, center: false, scale: false }),
          tfl.layers.flatten(),
          tfl.layers.dense({ units: 1, name: "gender" }),
        ],
      }),
    ),
    "accepted",
  );
  assert.equal(
    refusal(({ tfl }) => {
      const norm = tfl.layers.batchNormalization();
      norm.apply(tfl.input({ shape: inputShape }));
      return sequential(tfl, norm);
    }),
    "accepted",
  );
});
