import assert from "node:assert/strict";
import { test } from "node:test";
import { kernels } from "./native.js";
import { referenceKernels } from "./reference-kernels.js";
import { plainFloats } from "./test-floats.js";
import { addInto, allFinite, clippingFactor, globalNorm, scaleInto, updateStatistics } from "./vector.js";

test("addInto and scaleInto change only the given subarray, in place", () => {
  const values = Float32Array.of(1, 2, 3, 4, 5);
  addInto(values.subarray(1, 4), Float32Array.of(10, 20, 30));
  scaleInto(values.subarray(3), 0.5);
  assert.deepEqual([...values], [1, 12, 23, 17, 2.5]);
  const doubles = Float64Array.of(0.1, 0.2);
  addInto(doubles, Float64Array.of(0.2, 0.1));
  scaleInto(doubles, 3);
  assert.deepEqual([...doubles], [(0.1 + 0.2) * 3, (0.2 + 0.1) * 3]);
});

test("float32 sums round after each addition", () => {
  const sum = Float32Array.of(2 ** 24);
  addInto(sum, Float32Array.of(1));
  addInto(sum, Float32Array.of(1));
  assert.equal(sum[0], 2 ** 24);
});

test("unequal lengths and mixed types are refused", () => {
  assert.throws(() => addInto(new Float32Array(3), new Float32Array(2)), /from has 2 elements, not 3/);
  // The types forbid it. A caller in JavaScript gets an error, not a wrong number.
  const mixed = new Float64Array(3) as unknown as Float32Array;
  assert.throws(() => addInto(new Float32Array(3), mixed), TypeError);
});

test("globalNorm is the L2 norm, also outside of float32's range", () => {
  assert.equal(globalNorm(new Float32Array(0)), 0);
  assert.equal(globalNorm(Float32Array.of(3, 4)), 5);
  assert.ok(Math.abs(globalNorm(new Float32Array(100).fill(3e38)) / 3e39 - 1) < 1e-6);
  assert.ok(Math.abs(globalNorm(new Float32Array(100).fill(1e-40)) / 1e-39 - 1) < 1e-5);
  const values = plainFloats(1001, 0);
  const expected = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  assert.ok(Math.abs(globalNorm(values) / expected - 1) < 1e-14);
  assert.ok(Number.isNaN(globalNorm(Float32Array.of(1, Number.NaN))));
  assert.equal(globalNorm(Float32Array.of(1, Number.NEGATIVE_INFINITY)), Number.POSITIVE_INFINITY);
});

test("both kernels add the squares in eight lanes and then pairwise", () => {
  // A number below 128 that is added to 2^60 is lost, so that the sum from left to right would be 2^60. By lanes it is
  // ((2^60 + 128) + 256) + 512, in which only the 128 is lost.
  const values = new Float32Array(16).fill(8);
  values[0] = 2 ** 30;
  for (const { sumOfSquares } of [kernels(), referenceKernels]) assert.equal(sumOfSquares(values), 2 ** 60 + 768);
});

test("allFinite finds a single NaN or infinity at any place", () => {
  for (const length of [1, 7, 64, 5000]) {
    const values = plainFloats(length, 1);
    assert.equal(allFinite(values), true);
    for (const place of [0, length >> 1, length - 1]) {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const broken = values.slice();
        broken[place] = bad;
        assert.equal(allFinite(broken), false, `${bad} at ${place} of ${length}`);
      }
    }
  }
  assert.equal(allFinite(new Float32Array(0)), true);
  assert.equal(allFinite(Float32Array.of(3.4028235e38, -3.4028235e38, 1e-45, -0)), true);
});

test("updateStatistics moves running statistics by their momentum towards the mean over all samples", () => {
  const running = Float32Array.of(0, 1, 5);
  const momentum = Float32Array.of(0.1, 1, 0.5);
  updateStatistics({ running, sum: Float32Array.of(80, 24, 8), momentum, totalCount: 8 });
  assert.deepEqual([...running], [1, 3, 3]);
  assert.throws(
    () => updateStatistics({ running, sum: running, momentum, totalCount: 0 }),
    /totalCount 0: must be an integer from 1 to 2\^24/,
  );
});

test("clippingFactor scales long gradients down and is 1 for short ones", () => {
  assert.equal(clippingFactor(10, null), 1);
  assert.equal(clippingFactor(0.5, 1), 1);
  assert.equal(clippingFactor(10, 1), 1 / (10 + 1e-6));
});
