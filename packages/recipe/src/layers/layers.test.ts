import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { loadEngine } from "../engine/load-engine.js";
import type { Tf } from "../recipe.js";
import { batchNormInference, batchNormTraining } from "./batch-norm.js";
import { normReluPoolTraining } from "./norm-relu-pool.js";

let tf: Tf;
before(async () => {
  ({ tf } = await loadEngine({ backend: "cpu", log: { info() {}, warn() {} } }));
});

/** Values in (-1, 1) that are the same in every run of the test. */
function wave(shape: number[], frequency: number): Tensor {
  const size = shape.reduce((product, side) => product * side, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(frequency * (i + 1))),
    shape,
  );
}

function valuesOf(tensor: Tensor): number[] {
  return [...tensor.dataSync()];
}

/**
 * Compares the gradient of sum(layer(inputs) * direction) with differences of that sum, at every seventh entry of each
 * input.
 */
function checkGradients(inputs: Tensor[], layer: (...inputs: Tensor[]) => Tensor, h = 2 ** -7): void {
  const direction = wave(layer(...inputs).shape, 0.7);
  const { grads } = tf.valueAndGrads(layer)(inputs, direction);
  const values = valuesOf(direction);
  const objective = (moved: Tensor[]): number =>
    valuesOf(layer(...moved)).reduce((sum, value, i) => sum + value * (values[i] ?? Number.NaN), 0);
  inputs.forEach((input, k) => {
    const gradient = valuesOf(grads[k] ?? assert.fail());
    assert.deepEqual(grads[k]?.shape, input.shape);
    const scale = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert.ok(scale > 0);
    for (let i = 0; i < input.size; i += 7) {
      const shifted = (by: number): number => {
        const moved = valuesOf(input);
        moved[i] = (moved[i] ?? Number.NaN) + by;
        return objective(inputs.map((other, j) => (j === k ? tf.tensor(moved, input.shape) : other)));
      };
      const numerical = (shifted(h) - shifted(-h)) / (2 * h);
      const analytical = gradient[i] ?? Number.NaN;
      assert.ok(
        Math.abs(numerical - analytical) < 2e-3 * scale,
        `input ${k}[${i}]: ${analytical}, numerically ${numerical}`,
      );
    }
  });
}

test("a convolution's gradients agree with numerical differences", () => {
  const [x, filter] = [wave([2, 4, 4, 3], 1.1), wave([3, 3, 3, 2], 0.9)];
  checkGradients([x, filter], (a, b) => tf.conv2d(a as Tensor4D, b as Tensor4D, 1, "same"));
  checkGradients([filter], (b) => tf.conv2d(x as Tensor4D, b as Tensor4D, 1, "same"));
});

test("gradients of a convolution with stride and valid padding and of its bias agree with numerical differences", () => {
  const [x, filter] = [wave([2, 6, 6, 3], 1.1), wave([3, 3, 3, 2], 0.9)];
  checkGradients([x, filter], (a, b) => tf.conv2d(a as Tensor4D, b as Tensor4D, 2, "valid"));
  checkGradients([filter], (b) => tf.conv2d(x as Tensor4D, b as Tensor4D, 2, "valid"));
  checkGradients([x, wave([3], 0.4)], (a, bias) => tf.add(a, bias));
});

test("gradients of a dense layer without bias and of pooling agree with numerical differences", () => {
  checkGradients([wave([3, 5], 1.1), wave([5, 4], 0.9)], (x, kernel) => tf.matMul(x as Tensor2D, kernel as Tensor2D));
  checkGradients([wave([2, 4, 6, 3], 1.1)], (x) => tf.mean(x, [1, 2]));
  // The values are far apart, so that a small change never changes which entry of a window is the greatest.
  const apart = tf.tensor(
    Float32Array.from({ length: 2 * 5 * 5 * 2 }, (_, i) => ((29 * i) % 101) / 12 - 3),
    [2, 5, 5, 2],
  );
  checkGradients([apart], (x) => tf.maxPool(x as Tensor4D, 2, 2, "valid"));
});

test("gradients of batch norm agree with numerical differences, for images and for features", () => {
  for (const shape of [
    [2, 3, 3, 2],
    [6, 2],
  ]) {
    const inputs = [wave(shape, 1.3), tf.tensor1d([1.5, 0.5]), tf.tensor1d([0.1, 0.3])];
    checkGradients(inputs, (x, scale, offset) => {
      const parameters = { scale: scale as Tensor1D, offset: offset as Tensor1D };
      return batchNormTraining(tf, x, parameters).y;
    });
  }
});

test("batch norm in inference with a batch's own biased statistics gives the training output", () => {
  const x = wave([5, 3], 1.3) as Tensor2D;
  const parameters = { scale: tf.tensor1d([1, 2, 3]), offset: tf.tensor1d([0, 1, 2]) };
  const { y, statistics } = batchNormTraining(tf, x, parameters);
  const biased = { mean: statistics.mean, variance: tf.mul(statistics.variance, 4 / 5) as Tensor1D };
  const inferred = valuesOf(batchNormInference(tf, x, parameters, biased));
  valuesOf(y).forEach((value, i) => {
    assert.ok(Math.abs(value - (inferred[i] ?? Number.NaN)) < 1e-5);
  });
});

test("a dense layer's gradients agree with numerical differences", () => {
  checkGradients([wave([3, 5], 1.1), wave([5, 4], 0.9), wave([4], 0.3)], (x, kernel, bias) =>
    tf.add(tf.matMul(x as Tensor2D, kernel as Tensor2D), bias),
  );
});

test("gradients of ReLU, dropout and flatten agree with numerical differences", () => {
  checkGradients([wave([3, 5], 1.1)], (x) => tf.relu(x), 2 ** -12);
  const mask = tf.tensor2d([2, 0, 2, 2, 0, 0, 2, 0, 2, 0, 2, 2, 0, 2, 0], [3, 5]);
  checkGradients([wave([3, 5], 1.1)], (x) => tf.mul(x, mask));
  checkGradients([wave([2, 2, 2, 3], 1.1)], (x) => tf.reshape(x, [2, 12]));
});

test("gradients of batch norm, ReLU and max-pool in one layer agree with numerical differences", () => {
  // The values are far apart, so that a small change never changes which entry of a window is the greatest.
  const x = tf.tensor(
    Float32Array.from({ length: 2 * 4 * 4 * 3 }, (_, i) => ((29 * i) % 97) / 12 - 3),
    [2, 4, 4, 3],
  );
  const inputs = [x, tf.tensor1d([1, 0.5, 2]), tf.tensor1d([0.1, 0.3, 0.5])];
  checkGradients(inputs, (a, scale, offset) => {
    const parameters = { scale: scale as Tensor1D, offset: offset as Tensor1D };
    return normReluPoolTraining(tf, a as Tensor4D, parameters).y;
  });
});

test("batch statistics are the mean and the unbiased variance over batch, height and width", () => {
  const x = tf.tensor4d([1, 10, 2, 10, 3, 10, 6, 10], [1, 2, 2, 2]);
  const { y, statistics } = normReluPoolTraining(tf, x, { scale: tf.ones([2]), offset: tf.zeros([2]) });
  assert.deepEqual([...statistics.mean.dataSync()], [3, 10]);
  assert.ok(Math.abs((statistics.variance.dataSync()[0] ?? 0) - 14 / 3) < 1e-6);
  assert.equal(statistics.variance.dataSync()[1], 0);
  // The norm itself uses the biased variance: (6 - 3) / sqrt(14 / 4 + 1e-5).
  assert.ok(Math.abs((y.dataSync()[0] ?? 0) - 3 / Math.sqrt(3.5 + 1e-5)) < 1e-6);
});
