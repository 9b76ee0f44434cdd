// Tests that the results have the bits of this numericsVersion. A change here changes every trained weight: raise the version
// (version.ts and native/binding.cpp) in the same commit, and explain there why.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { CounterRandom, fillUniform, permutation, randomDomain } from "./counter-random.js";
import { learningRateAt } from "./learning-rate.js";
import { adamStep, adamwStep, sgdStep } from "./optimizer-step.js";
import { plainFloats } from "./test-floats.js";
import { TreeSum } from "./tree-sum.js";
import { addInto, globalNorm, updateStatistics } from "./vector.js";
import { numericsVersion } from "./version.js";
import { warpImages } from "./warp-images.js";

const size = 257;

test("the results have the bits of version 1", () => {
  assert.equal(numericsVersion, "1");
  const results = {
    randomness: randomness(),
    sums: sums(),
    optimizers: optimizers(),
    schedules: schedules(),
    pixels: pixels(),
  };
  const digests = Object.fromEntries(Object.entries(results).map(([name, values]) => [name, digest(values)]));
  assert.deepEqual(digests, {
    randomness: "16d2554be2d1f601",
    sums: "3199777b50de7284",
    optimizers: "f2049c2b18ef7f2a",
    schedules: "0dc9dce6589672ac",
    pixels: "93ab4492a9aacaf9",
  });
});

function randomness(): Float32Array[] {
  const uniform = new Float32Array(size);
  fillUniform(new CounterRandom(7, randomDomain.dropout, 1, 2, 3), uniform, 5);
  return [uniform, Float32Array.from(permutation(new CounterRandom(7, randomDomain.epochOrder, 2), size))];
}

function sums(): (Float32Array | Float64Array)[] {
  const sum = new TreeSum<Float32Array>(11, addInto);
  for (let first = 10; first >= 0; first -= 1) sum.add({ first, count: 1 }, plainFloats(size, first));
  const root = sum.root();
  assert.ok(root);
  const running = plainFloats(size, 20);
  updateStatistics({ running, sum: root, momentum: new Float32Array(size).fill(0.1), totalCount: 352 });
  return [root, running, Float64Array.of(globalNorm(root))];
}

function optimizers(): Float32Array[] {
  const shared = { gradientScale: 0.7, learningRate: 1e-3, weightDecay: 0.01 };
  const adam = { ...shared, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
  const states = [0, 1, 2].map(() => [plainFloats(size, 0), new Float32Array(size), new Float32Array(size)] as const);
  const [byAdam, byAdamw, bySgd] = states;
  assert.ok(byAdam && byAdamw && bySgd);
  for (let update = 1; update <= 3; update += 1) {
    const gradient = plainFloats(size, update);
    adamStep(byAdam[0], gradient, byAdam[1], byAdam[2], { ...adam, update });
    adamwStep(byAdamw[0], gradient, byAdamw[1], byAdamw[2], { ...adam, update });
    sgdStep(bySgd[0], gradient, bySgd[1], { ...shared, momentum: 0.9 });
  }
  return states.flat();
}

function schedules(): Float64Array[] {
  const schedule = { name: "cosine", warmupSteps: 10, finalFraction: 0.01 } as const;
  return [Float64Array.from({ length: 100 }, (_, step) => learningRateAt(schedule, step, 100, 3e-4))];
}

function pixels(): Float32Array[] {
  const out = new Float32Array(9 * 9 * 3);
  warpImages({
    pixels: Uint8Array.from({ length: 12 * 12 * 3 }, (_, i) => (i * 73) & 255),
    batch: 1,
    size: 12,
    outSize: 9,
    affine: Float32Array.of(-1.1, 0.3, 9.7, -0.3, 1.1, 0.4),
    colour: Float32Array.of(1.1, 0.1, 0, 0.1, 0.9, 0, 0.2, 0, 1, 4, -3, 2.5),
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    out,
  });
  return [out];
}

function digest(arrays: readonly (Float32Array | Float64Array)[]): string {
  const hash = createHash("sha256");
  for (const { buffer, byteOffset, byteLength } of arrays) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest("hex").slice(0, 16);
}
