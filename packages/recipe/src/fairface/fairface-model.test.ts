import assert from "node:assert/strict";
import { test } from "node:test";
import type { Recipe } from "../recipe.js";
import { fairfaceRecipe } from "./fairface-recipe.js";
import { range, tinyLabels } from "./tiny-problem.js";

function bound(options: Readonly<Record<string, unknown>>, imageSize: number): Recipe {
  return fairfaceRecipe.bind({ options, imageSize, labels: tinyLabels(8), trainingSamples: range(0, 8) });
}

test("the default network at 64 x 64 has 2.49 million parameters and no bias before a batch norm", () => {
  const tensors = bound({}, 64).tensors;
  const sizeOf = (kind: string): number =>
    tensors
      .filter((tensor) => tensor.kind === kind)
      .reduce((total, { shape }) => total + shape.reduce((product, side) => product * side, 1), 0);
  const convolutions = 9 * (3 * 32 + 32 * 64 + 64 * 128 + 128 * 256);
  const norms = 2 * (32 + 64 + 128 + 256);
  assert.equal(sizeOf("parameter"), convolutions + norms + (4 * 4 * 256 * 512 + 512) + 9 * (512 + 1));
  assert.equal(sizeOf("statistic"), norms);
  assert.deepEqual(
    tensors.filter(({ name }) => name.startsWith("conv") && name.endsWith("bias")),
    [],
  );
});

test("only statistics have a momentum, and only kernels have weight decay", () => {
  for (const { name, kind, momentum, decay } of bound({}, 64).tensors) {
    assert.equal(momentum, kind === "statistic" ? 0.1 : undefined, name);
    assert.equal(decay ?? false, name.endsWith("/kernel"), name);
  }
});

test("initial weights are drawn from U(-1 / sqrt(fan-in), 1 / sqrt(fan-in)), and batch norms start as the identity", () => {
  const weights = bound({}, 64).initialWeights(7);
  for (const [name, fanIn] of [
    ["conv1/kernel", 27],
    ["conv2/kernel", 288],
    ["dense/kernel", 4096],
    ["dense/bias", 4096],
    ["race/kernel", 512],
  ] as const) {
    const values = weights[name] ?? assert.fail(name);
    const bound = 1 / Math.sqrt(fanIn);
    const greatest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    assert.ok(greatest <= bound && greatest > 0.98 * bound, `${name}: ${greatest} of ${bound}`);
    assert.ok(Math.abs(mean) < (4 * bound) / Math.sqrt(3 * values.length), `${name}: mean ${mean}`);
  }
  assert.ok(weights["norm1/scale"]?.every((value) => value === 1));
  assert.ok(weights["norm1/offset"]?.every((value) => value === 0));
  assert.ok(weights["norm1/mean"]?.every((value) => value === 0));
  assert.ok(weights["norm1/variance"]?.every((value) => value === 1));
});

test("initial weights are a function of the seed", () => {
  const weightsOf = (seed: number) => bound({ widths: [4, 8], denseUnits: 8 }, 16).initialWeights(seed);
  assert.deepEqual(weightsOf(7), weightsOf(7));
  assert.notDeepEqual(weightsOf(7), weightsOf(8));
});
