import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CounterRandom, randomDomain } from "@lockstep/numerics";
import { type SampledOrder, sampledOrder } from "./sampled-order.js";
import { epochOrder } from "./step-plan.js";

function countsOf(order: Uint32Array, numSamples: number): number[] {
  const counts = new Array<number>(numSamples).fill(0);
  for (const place of order) counts[place] = (counts[place] ?? 0) + 1;
  return counts;
}

function randomWeights(numSamples: number): Float64Array {
  const random = new CounterRandom(5, randomDomain.scheduling, numSamples);
  return Float64Array.from({ length: numSamples }, (_, i) => (i % 5 === 0 ? 0 : random.uniform(i) ** 3));
}

const base: Omit<SampledOrder, "weights"> = { seed: 7, epoch: 2, trainSamples: 333 };

describe("an epoch's order", () => {
  test("without weights is the order of epochOrder and holds each sample once", () => {
    const order = sampledOrder({ ...base, weights: null });
    assert.deepEqual(order, epochOrder(7, 2, 333));
    assert.deepEqual(countsOf(order, 333), new Array(333).fill(1));
  });

  test("with equal weights holds each sample exactly once", () => {
    for (const weight of [1, 1 / 3, 1e-9]) {
      for (const trainSamples of [1, 2, 97, 1000]) {
        const order = sampledOrder({ ...base, trainSamples, weights: new Float64Array(trainSamples).fill(weight) });
        assert.deepEqual(countsOf(order, trainSamples), new Array(trainSamples).fill(1));
      }
    }
  });

  test("with weights holds each sample as often as its share, rounded down or up, in every epoch", () => {
    for (const trainSamples of [2, 10, 333, 5000]) {
      const weights = randomWeights(trainSamples);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const epoch of [0, 1, 2, 9]) {
        const order = sampledOrder({ ...base, epoch, trainSamples, weights });
        assert.equal(order.length, trainSamples);
        countsOf(order, trainSamples).forEach((count, place) => {
          const expected = (trainSamples * (weights[place] ?? 0)) / total;
          assert.ok(Math.abs(count - expected) < 1 + 1e-6, `sample ${place}: ${count} times, expected ${expected}`);
          if (weights[place] === 0) assert.equal(count, 0);
        });
      }
    }
  });

  test("over many epochs gives each sample its share", () => {
    const weights = Float64Array.of(0.1, 0.25, 0.9, 1, 2.75);
    const total = new Array<number>(5).fill(0);
    for (let epoch = 0; epoch < 2000; epoch++) {
      countsOf(sampledOrder({ ...base, epoch, trainSamples: 5, weights }), 5).forEach((count, place) => {
        total[place] = (total[place] ?? 0) + count;
      });
    }
    weights.forEach((weight, place) => {
      assert.ok(Math.abs((total[place] ?? 0) / 2000 - weight) < 0.04, `sample ${place}: ${total[place]} of 2000`);
    });
  });

  test("depends only on seed, epoch and relative weights", () => {
    const weights = randomWeights(333);
    const order = sampledOrder({ ...base, weights });
    assert.deepEqual(sampledOrder({ ...base, weights: weights.slice() }), order);
    assert.notDeepEqual(sampledOrder({ ...base, epoch: 3, weights }), order);
    assert.notDeepEqual(sampledOrder({ ...base, seed: 8, weights }), order);
    assert.deepEqual(sampledOrder({ ...base, weights: weights.map((weight) => 4 * weight) }), order);
  });

  test("refuses weights that are all 0, that are too few or whose sum is not finite", () => {
    assert.throws(() => sampledOrder({ ...base, weights: new Float64Array(333) }), /add up to 0/);
    assert.throws(() => sampledOrder({ ...base, weights: new Float64Array(3) }), /3 weights for 333/);
    assert.throws(() => sampledOrder({ ...base, weights: new Float64Array(333).fill(1e308) }), /add up to Infinity/);
  });
});
