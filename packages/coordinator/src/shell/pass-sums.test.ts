import assert from "node:assert/strict";
import { test } from "node:test";
import { PhaseSeconds } from "@lockstep/protocol";
import { BufferPool } from "./buffer-pool.js";
import { PassSums } from "./pass-sums.js";
import { median, warmSteps } from "./summary.js";

const noTime = { grantedAtMs: 0, uploadStartedAtMs: 0, receivedAtMs: 0, phaseSeconds: PhaseSeconds.create() };

function contributor(first: number, count: number) {
  const proofs = Array.from({ length: count }, (_, index) => ({
    microBatch: first + index,
    digest: "",
    finite: true,
    numSamples: 3,
  }));
  return { slot: 0, generation: 1, node: { first, count }, proofs, computeThreads: 1, ...noTime };
}

test("sums in any order, refuses what is there already, and gives every buffer back", () => {
  const pool = new BufferPool(2);
  const take = (value: number) => ({ values: pool.take().fill(value), sums: Float64Array.of(value) });
  const sums = new PassSums("train", { numMicroBatches: 3, pool });
  assert.equal(sums.add(contributor(2, 1), take(4)), "accepted");
  assert.throws(() => sums.root(), /lacks/);
  const again = take(4);
  assert.equal(sums.add(contributor(2, 1), again), "duplicate");
  pool.give(again.values);
  assert.equal(sums.add(contributor(0, 2), take(1)), "accepted");
  assert.deepEqual([...(sums.root().values ?? [])], [5, 5]);
  assert.deepEqual([...sums.root().sums], [5]);
  assert.equal(sums.numSamples, 9);
  assert.equal(pool.numTaken, 1);
  sums.dispose();
  assert.equal(pool.numTaken, 0);
});

test("the median is of the middle, and the first ten steps are left out where there are more", () => {
  assert.equal(median([]), null);
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.deepEqual(warmSteps([1, 2]), [1, 2]);
  assert.deepEqual(warmSteps(Array.from({ length: 12 }, (_, index) => index)), [10, 11]);
});
