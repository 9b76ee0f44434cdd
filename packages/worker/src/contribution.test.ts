import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLayout } from "@lockstep/protocol";
import type { Tensor } from "@tensorflow/tfjs-core";
import { writeContribution } from "./contribution.js";

const layout = createLayout([
  { name: "mean", shape: [2], kind: "statistic", momentum: 0.1 },
  { name: "weight", shape: [3], kind: "parameter" },
  { name: "bias", shape: [1], kind: "parameter" },
]);

/** The fields of a tensor that the engine below reads. */
const tensorOf = (...values: number[]) => ({ values, size: values.length, dtype: "float32", shape: [values.length] });
const asTensor = (fake: ReturnType<typeof tensorOf>) => fake as unknown as Tensor;
const engine = {
  readInto: (tensor: Tensor, out: Float32Array) => out.set((tensor as unknown as { values: number[] }).values),
};

describe("a contribution", () => {
  it("holds the gradients by name, then the statistics times the number of samples", () => {
    const out = new Float32Array(layout.numElements).fill(Number.NaN);
    const result = {
      gradients: { weight: asTensor(tensorOf(1, 2, 3)), bias: asTensor(tensorOf(-4)) },
      statistics: { mean: asTensor(tensorOf(0.5, 8)) },
      sums: new Float64Array(0),
    };
    writeContribution({ result, layout, numSamples: 6, engine, out });
    assert.deepEqual([...out], [-4, 1, 2, 3, 3, 48]);
  });

  it("is refused when a tensor is missing or has another size", () => {
    const out = new Float32Array(layout.numElements);
    const rest = { statistics: { mean: asTensor(tensorOf(0, 0)) }, sums: new Float64Array(0) };
    const write = (gradients: Record<string, Tensor>) =>
      writeContribution({ result: { gradients, ...rest }, layout, numSamples: 1, engine, out });
    assert.throws(() => write({ weight: asTensor(tensorOf(1, 2, 3)) }), /the recipe returned no gradient of bias/);
    assert.throws(
      () => write({ bias: asTensor(tensorOf(1, 2)) }),
      /gradient of bias is float32\[2\], the layout has float32\[1\]/,
    );
  });
});
