import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fairfaceLabels } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import type { Engine } from "../engine/engine.js";
import { loadEngine } from "../engine/load-engine.js";
import { imageSize, range, silent, tinyBatch, tinyLabels, trainOnce, valuesNamed } from "../fairface/tiny-problem.js";
import type { Recipe, RecipeDefinition } from "../recipe.js";
import { defineRecipe, type NetRecipeDeclaration } from "./define-recipe.js";

let engine: Engine;
before(async () => {
  engine = await loadEngine({ backend: "cpu", log: silent });
});

type Declaration = NetRecipeDeclaration<Record<string, unknown>>;

const plain: Declaration = {
  name: "plain",
  labels: fairfaceLabels,
  heads: { gender: { loss: "binaryCrossEntropy" } },
  model: (net, images) => ({ gender: net.dense("gender", net.flatten(images), { units: 1 }) }),
};

function bound(definition: RecipeDefinition, options: Readonly<Record<string, unknown>> = {}): Recipe {
  return definition.bind({
    options: definition.resolveOptions(options),
    imageSize,
    labels: tinyLabels(8),
    trainingSamples: range(0, 8),
  });
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    assert.ok(!error.message.includes("\n"), error.message);
    return error.message;
  }
  return "accepted";
}

test("a declaration gives the recipe its tensors, metrics and heads", () => {
  const recipe = bound(
    defineRecipe({
      ...plain,
      heads: { gender: { loss: "binaryCrossEntropy" }, age: { label: "ageBin", loss: "crossEntropy" } },
      model: (net, images) => {
        const features = net.globalAveragePool(net.conv("conv", images, { filters: 4, kernel: 5 }));
        return { age: net.dense("age", features, { units: 9 }), gender: net.dense("gender", features, { units: 1 }) };
      },
    }),
  );
  assert.deepEqual(
    recipe.tensors.map(({ name, shape, decay }) => [name, shape, decay]),
    [
      ["conv/kernel", [5, 5, 3, 4], true],
      ["conv/bias", [4], false],
      ["age/kernel", [4, 9], true],
      ["age/bias", [9], false],
      ["gender/kernel", [4, 1], true],
      ["gender/bias", [1], false],
    ],
  );
  assert.deepEqual(
    recipe.metrics.map(({ name }) => name),
    ["loss", "genderLoss", "ageLoss", "genderAccuracy", "ageAccuracy"],
  );
  assert.deepEqual(recipe.heads, [
    { kind: "classes", name: "gender", label: "gender" },
    { kind: "classes", name: "age", label: "ageBin" },
  ]);
});

test("labels by name become a schema, whose columns may have other names", () => {
  const { labels } = defineRecipe({
    ...plain,
    labels: { species: { classes: ["cat", "dog"], column: "kind" }, weight: { least: 0 } },
  });
  assert.equal(labels.name, "plain");
  assert.deepEqual(
    labels.fields.map(({ name, column, kind }) => [name, column, kind]),
    [
      ["species", "kind", "class"],
      ["weight", "weight", "number"],
    ],
  );
});

test("options are the defaults, overridden by given options of the same types", () => {
  const definition = defineRecipe({ ...plain, options: { units: 8, sizes: [1, 2], group: { a: 1, b: 2 } } });
  const given = { units: 16, group: { b: 3 } };
  assert.deepEqual(definition.resolveOptions(given), { units: 16, sizes: [1, 2], group: { a: 1, b: 3 } });
  const problem = (options: Readonly<Record<string, unknown>>) => refusal(() => definition.resolveOptions(options));
  assert.match(problem({ unit: 1 }), /^recipe plain: option unit: unknown; the options are units, sizes, group$/);
  assert.match(problem({ group: { c: 1 } }), /option group\.c: unknown; the options are group\.a, group\.b/);
  assert.match(problem({ units: "many" }), /option units "many": must be a number like 8/);
  assert.match(problem({ sizes: 3 }), /option sizes 3: must be a list like \[1,2\]/);
});

test("a recipe's own augmentation moves pixels by the maps that it draws for each sample", () => {
  const flipping = defineRecipe({
    ...plain,
    augmentation: { draw: (random, size) => (random.uniform(0) < 2 ? { affine: [-1, 0, size - 1, 0, 1, 0] } : {}) },
  });
  const [flipped, unchanged] = [bound(flipping), bound(defineRecipe(plain))];
  const values = unchanged.initialWeights(3);
  const kernelOf = (recipe: Recipe) =>
    valuesNamed(trainOnce(engine, recipe, values, tinyBatch(0, 2)).values, "gender/kernel");
  // The kernel's gradient is the image times the loss's derivative, so it is mirrored if the image is. The derivatives
  // of the two recipes differ because their outputs differ; with kernels of 0 they are equal.
  const one = kernelOf(unchanged);
  const symmetric = { ...values, "gender/kernel": values["gender/kernel"]?.map(() => 0) ?? new Float32Array() };
  const [left, right] = [flipped, unchanged].map((recipe) =>
    valuesNamed(trainOnce(engine, recipe, symmetric, tinyBatch(0, 2)).values, "gender/kernel"),
  );
  assert.notDeepEqual(kernelOf(flipped), one);
  for (let x = 0; x < imageSize; x++) {
    const [a = Number.NaN, b = Number.NaN] = [left?.[3 * x], right?.[3 * (imageSize - 1 - x)]];
    assert.ok(Math.abs(a - b) < 1e-5, `column ${x}: ${a}, mirrored ${b}`);
  }
});

test("each dropout layer of a model draws other random numbers", () => {
  const twice = defineRecipe({
    ...plain,
    heads: { gender: { loss: "crossEntropy" } },
    model: (net, images) => {
      const ones = net.tf.onesLike(net.flatten(images));
      const [a, b] = [net.dropout(ones, 0.5), net.dropout(ones, 0.5)];
      const differing = net.tf.sum(net.tf.abs(net.tf.sub(a, b)), 1, true);
      return { gender: net.dense("gender", differing as typeof ones as never, { units: 2 }) };
    },
  });
  const recipe = bound(twice);
  const values = { "gender/kernel": Float32Array.of(0, 0), "gender/bias": Float32Array.of(0, 0) };
  const gradient = valuesNamed(trainOnce(engine, recipe, values, tinyBatch(0, 1)).values, "gender/kernel");
  assert.ok(gradient.some((slope) => slope !== 0));
});

test("messages about a declaration name the wrong field", () => {
  // The casts allow mistakes that a file may have that was never type-checked.
  const declared = (change: object) => refusal(() => defineRecipe({ ...plain, ...change } as Declaration));
  assert.match(declared({ model: undefined }), /^recipe plain: model: must be a function$/);
  assert.match(declared({ name: "my recipe" }), /name "my recipe": must be made of letters, digits and "-"/);
  assert.match(declared({ modle: 1 }), /field "modle" is unknown; the fields are name, labels/);
  assert.match(declared({ heads: {} }), /heads \{\}: there must be at least one/);
  assert.match(
    declared({ heads: { gender: { loss: "entropy" } } }),
    /heads\.gender\.loss "entropy": must be one of binaryCrossEntropy/,
  );
  assert.match(declared({ labels: { sex: { classes: ["one"] } } }), /field "sex" has 1 classes; it needs 2 to 256/);
  assert.match(declared({ augmentation: { flip: 2 } }), /augmentation/);
  assert.match(
    refusal(() => defineRecipe(null as unknown as Declaration)),
    /a recipe's declaration must be an object with name, labels, heads and model/,
  );
});

test("messages about a model name the wrong layer or head", () => {
  const built = (model: Declaration["model"]) => refusal(() => bound(defineRecipe({ ...plain, model })));
  assert.match(
    built((net, images) => {
      const features = net.flatten(images);
      net.dense("gender", features, { units: 1 });
      return { gender: net.dense("gender", features, { units: 1 }) };
    }),
    /^recipe plain: layer gender\/kernel: the model has two of that name/,
  );
  assert.match(
    built((net, images) => ({ gender: net.dense("g", images as never, { units: 1 }) })),
    /layer g: requires a tensor with 2 dimensions, got \[1, 16, 16, 3\]; use net\.flatten/,
  );
  assert.match(
    built((net, images) => ({ gender: net.dense("g", net.flatten(images), { units: 0 }) })),
    /layer g: units 0: must be a whole number/,
  );
  assert.match(
    built((net, images) => ({ sex: net.dense("g", net.flatten(images), { units: 1 }) })),
    /head gender: the model does not return it/,
  );
  assert.match(
    built((net, images) => ({ gender: net.dense("g", net.flatten(images), { units: 3 }) })),
    /head gender: the model returns 3 outputs, its loss and label require 1/,
  );
  assert.match(
    built((_, images) => ({ gender: images })),
    /head gender: its outputs have the shape \[1, 16, 16, 3\]; they must be \[images, outputs\]/,
  );
  assert.match(
    built(() => undefined as never),
    /its model returns undefined; it must return the heads' outputs by name/,
  );
  assert.match(
    built(() => {
      throw new TypeError("x is not a function");
    }),
    /^recipe plain: its model throws: x is not a function$/,
  );
});
