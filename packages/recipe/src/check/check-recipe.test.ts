import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fairfaceLabels } from "@lockstep/dataset";
import type { Tensor } from "@tensorflow/tfjs-core";
import { defineRecipe, type NetRecipeDeclaration } from "../define/define-recipe.js";
import type { Engine } from "../engine/engine.js";
import { loadEngine } from "../engine/load-engine.js";
import { fairfaceRecipe } from "../fairface/fairface-recipe.js";
import { imageSize, range, silent, tinyBatch, tinyLabels } from "../fairface/tiny-problem.js";
import type { Recipe, RecipeDefinition } from "../recipe.js";
import { checkRecipe } from "./check-recipe.js";

let engine: Engine;
before(async () => {
  engine = await loadEngine({ backend: "cpu", log: silent });
});

/** One line for each rule that the recipe breaks: the rule and the problem. */
function problemsOf(definition: RecipeDefinition, options: Readonly<Record<string, unknown>> = {}): string[] {
  const { samples, pixels_BHWC } = tinyBatch(0, 8);
  return checkRecipe({
    ...{ definition, options, engine, imageSize, samples, pixels_BHWC, folder: null },
    labels: tinyLabels(8),
    trainingSamples: range(0, 8),
  }).flatMap(({ rule, problem }) => (problem === null ? [] : [`${rule}: ${problem}`]));
}

function withModel(model: NetRecipeDeclaration<Record<string, never>>["model"]): RecipeDefinition {
  const heads = { gender: { loss: "binaryCrossEntropy" } } as const;
  return defineRecipe({ name: "checked", labels: fairfaceLabels, heads, model });
}

/** The built-in recipe with parts of its bound Recipe replaced, for faults that only the low-level interface allows. */
function withBound(change: (recipe: Recipe) => Partial<Recipe>): RecipeDefinition {
  return {
    ...fairfaceRecipe,
    bind(context) {
      const recipe = fairfaceRecipe.bind(context);
      return { ...recipe, ...change(recipe) };
    },
  };
}

const tiny = { widths: [4], denseUnits: 8 };

test("the built-in recipe keeps every rule", () => {
  assert.deepEqual(problemsOf(fairfaceRecipe, tiny), []);
});

test("a model with every layer of Net and an op of its own keeps every rule", () => {
  const model = withModel((net, images) => {
    const first = net.relu(net.batchNorm("norm1", net.conv("conv1", images, { filters: 4, stride: 2, bias: false })));
    const second = net.maxPool(net.relu(net.conv("conv2", first, { filters: 4, padding: "valid" })));
    const scaled = net.tf.tanh(net.tf.mul(net.globalAveragePool(second), net.parameter("scale", [4], "ones")));
    const kept = net.dropout(
      net.batchNorm("norm2", net.dense("dense", scaled as never, { units: 6, bias: false })),
      0.25,
    );
    return { gender: net.dense("gender", kept, { units: 1 }) };
  });
  assert.deepEqual(problemsOf(model), []);
});

test("an unseeded random op is reported with the function that it calls", () => {
  const noisy = withModel((net, images) => {
    const features = net.globalAveragePool(net.conv("conv", images, { filters: 4 }));
    const noise = net.training ? net.tf.randomUniform(features.shape) : net.tf.zeros(features.shape);
    return { gender: net.dense("gender", net.tf.mul(features, noise), { units: 1 }) };
  });
  assert.match(problemsOf(noisy)[0] ?? "", /same bytes: unseeded: a training pass calls Math\.random/);
});

test("a mean over the batch in evaluation is reported", () => {
  const centering = withModel((net, images) => {
    const features = net.flatten(net.conv("conv", images, { filters: 2 }));
    const centered = net.tf.sub(features, net.tf.mean(features, 0, true));
    return { gender: net.dense("gender", centered as typeof features, { units: 1 }) };
  });
  assert.match(
    problemsOf(centering).join("\n"),
    /does not depend on its micro-batch: head gender predicts .* a mean over the batch\?/,
  );
});

test("state that is kept between calls is reported", () => {
  let calls = 0;
  const counting = withModel((net, images) => {
    calls += 1;
    const features = net.globalAveragePool(net.conv("conv", images, { filters: 4 }));
    return { gender: net.dense("gender", net.tf.mul(features, calls), { units: 1 }) };
  });
  assert.match(problemsOf(counting).join("\n"), /unseeded: .* differs between two passes over the same images/);
});

test("a tensor that is never disposed is reported", () => {
  const leaking = withModel((net, images) => {
    const features = net.tf.keep(net.globalAveragePool(net.conv("conv", images, { filters: 4 })) as Tensor);
    return { gender: net.dense("gender", features as never, { units: 1 }) };
  });
  assert.match(
    problemsOf(leaking).join("\n"),
    /a pass disposes its tensors: a training and an evaluation pass leave 2 tensors;/,
  );
});

test("a parameter that no head depends on is reported by name", () => {
  const idle = withModel((net, images) => {
    net.parameter("idle", [3]);
    return { gender: net.dense("gender", net.flatten(images), { units: 1 }) };
  });
  assert.match(problemsOf(idle).join("\n"), /parameter idle: has no gradient: no head depends on it/);
});

test("a loss that is a mean over the micro-batch is reported", () => {
  const averaging = withBound((recipe) => ({
    evaluate(tf, weights, batch, constants) {
      const { sums, predictions } = recipe.evaluate(tf, weights, batch, constants);
      const scale = (constants["samples"] ?? 1) / batch.samples.length;
      return { sums: sums.map((sum, i) => (recipe.sumNames[i] === "loss" ? sum * scale : sum)), predictions };
    },
  }));
  assert.match(
    problemsOf(averaging, tiny).join("\n"),
    /loss is .* for their two halves: a mean over the micro-batch\?/,
  );
});

test("a gradient that is not the gradient of the loss is reported", () => {
  const halved = defineRecipe({
    name: "halved",
    labels: fairfaceLabels,
    heads: {
      age: {
        label: "ageBin",
        classValues: [0, 1, 2, 3, 4, 5, 6, 7, 8],
        loss: ([output = Number.NaN], target) => ({ loss: (output - target) ** 2, gradient: [output - target] }),
      },
    },
    model: (net, images) => ({ age: net.dense("age", net.flatten(images), { units: 1 }) }),
  });
  assert.match(
    problemsOf(halved).join("\n"),
    /gradients are the derivatives of the loss: the gradient of age\/kernel is .*, but differences of the loss give /,
  );
});
