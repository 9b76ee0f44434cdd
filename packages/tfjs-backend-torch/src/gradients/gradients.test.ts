import assert from "node:assert/strict";
import { test } from "node:test";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { registerTorchBackend } from "../register.js";
import { tinyCnnGradients } from "../testing/tiny-cnn.js";
import { assertClose, needsTorch } from "../testing/torch.js";

const options = { batch: 3, size: 10, channels: [4, 6], fusedNorm: false } as const;

test("the gradients of a small network on torch", needsTorch, async (context) => {
  await registerTorchBackend({ device: "cpu" });
  await tf.setBackend("cpu");
  const expected = tinyCnnGradients(options);
  await tf.setBackend("torch");
  const composedNorm = tinyCnnGradients(options);
  const fusedNorm = tinyCnnGradients({ ...options, fusedNorm: true });

  for (const [way, actual] of Object.entries({ composedNorm, fusedNorm })) {
    await context.test(`agree with those of the cpu backend, ${way}`, () => {
      assert.ok(
        Math.abs(actual.loss - expected.loss) <= 1e-6 * Math.abs(expected.loss),
        `${actual.loss}, ${expected.loss}`,
      );
      for (const [name, gradient] of Object.entries(expected.gradients)) {
        assertClose(actual.gradients[name] ?? [], gradient, { name, tolerance: 1e-4 });
      }
    });
    await context.test(`are zero for a bias before a batch norm, ${way}`, () => {
      for (const name of ["block1/bias", "block2/bias"]) {
        assertClose(actual.gradients[name] ?? [], new Float32Array(name === "block1/bias" ? 4 : 6), {
          name,
          tolerance: 0,
        });
      }
    });
  }
});
