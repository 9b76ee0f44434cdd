import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { batchNormReluMaxPool } from "./batch-norm-relu-max-pool.js";
import { registerTorchBackend } from "./register.js";
import { composed, values } from "./testing/tiny-cnn.js";
import { assertClose, needsTorch } from "./testing/torch.js";

type Operation = (x: tf.Tensor4D, scale: tf.Tensor1D, offset: tf.Tensor1D) => tf.Tensor4D;
const fused: Operation = (x, scale, offset) => batchNormReluMaxPool(x, scale, offset, 1e-5).y;

/** Computes y, and the gradients of a weighted sum of y. */
async function run(backend: string, operation: Operation, [n, h, w, c]: readonly [number, number, number, number]) {
  await tf.setBackend(backend);
  return tf.tidy(() => {
    const x = tf.tensor4d(
      values(1, n * h * w * c).map((value) => 3 + 2 * value),
      [n, h, w, c],
    );
    const scale = tf.tensor1d(values(2, c));
    const offset = tf.tensor1d(values(3, c));
    const y = operation(x, scale, offset);
    const weights = tf.tensor4d(values(4, y.size), y.shape);
    const loss = (...args: tf.Tensor[]) => tf.sum(tf.mul(weights, operation(...(args as Parameters<Operation>))));
    const [dx, dscale, doffset] = tf.grads(loss)([x, scale, offset]);
    const read = (tensor: tf.Tensor | undefined) => tensor?.dataSync() ?? [];
    return { y: read(y), dx: read(dx), dscale: read(dscale), doffset: read(doffset), shape: y.shape };
  });
}

describe("the fused batch norm, ReLU and max-pool", needsTorch, () => {
  before(async () => {
    await registerTorchBackend({ device: "cpu" });
  });

  for (const shape of [
    [2, 6, 8, 5],
    [3, 7, 5, 32],
    [1, 2, 3, 1],
  ] as const) {
    test(`equals the composed operations, forward and backward, for x of shape [${shape}]`, async () => {
      const actual = await run("torch", fused, shape);
      assert.deepEqual(actual.shape, [shape[0], shape[1] >> 1, shape[2] >> 1, shape[3]]);
      for (const expected of [await run("torch", composed, shape), await run("cpu", composed, shape)]) {
        for (const name of ["y", "dx", "dscale", "doffset"] as const) {
          assertClose(actual[name], expected[name], { name, tolerance: 1e-4, absolute: 3e-6 });
        }
      }
    });
  }

  test("returns the batch's mean and biased variance, also for values far from zero", async () => {
    await tf.setBackend("torch");
    tf.tidy(() => {
      const x = tf.tensor4d(
        values(5, 2 * 9 * 9 * 3).map((value) => 1000 + value),
        [2, 9, 9, 3],
      );
      const { mean, variance } = batchNormReluMaxPool(x, tf.ones([3]), tf.zeros([3]), 1e-5);
      const expected = [0, 1, 2].map((channel) => {
        const channelValues = Array.from(x.dataSync()).filter((_, i) => i % 3 === channel);
        const average = channelValues.reduce((sum, value) => sum + value, 0) / channelValues.length;
        const squares = channelValues.reduce((sum, value) => sum + (value - average) ** 2, 0);
        return { average, variance: squares / channelValues.length };
      });
      const averages = expected.map(({ average }) => average);
      assertClose(mean.dataSync(), averages, { name: "mean", tolerance: 1e-7 });
      const variances = expected.map((each) => each.variance);
      assertClose(variance.dataSync(), variances, { name: "variance", tolerance: 1e-5 });
    });
  });

  test("passes the gradient of a window with equal maxima to the first of them", async () => {
    await tf.setBackend("torch");
    tf.tidy(() => {
      // Normalised, x is [1, 1, -1, -1]. dx is dz = [1, 0, 0, 0] minus its mean and minus its projection on x.
      const x = tf.tensor4d([1, 1, -1, -1], [1, 2, 2, 1]);
      const dx = tf
        .grad((input) => fused(input as tf.Tensor4D, tf.ones([1]), tf.ones([1])))(x)
        .dataSync();
      assertClose(dx, [0.5, -0.5, 0, 0], { name: "dx", tolerance: 1e-4 });
    });
  });

  test("returns NaN for a channel in which one pixel is NaN", async () => {
    await tf.setBackend("torch");
    tf.tidy(() => {
      const x = tf.tensor4d([1, 2, Number.NaN, 4], [1, 2, 2, 1]);
      const { y, mean, variance } = batchNormReluMaxPool(x, tf.ones([1]), tf.zeros([1]), 1e-5);
      for (const tensor of [y, mean, variance]) assert.ok(Number.isNaN(tensor.dataSync()[0]));
    });
  });
});
