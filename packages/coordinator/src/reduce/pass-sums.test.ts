import assert from "node:assert/strict";
import { test } from "node:test";
import { PhaseSeconds } from "@lockstep/protocol";
import { BufferPool } from "./buffer-pool.js";
import { PassSums } from "./pass-sums.js";

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

test("PassSums adds nodes in any order, refuses a node that it has, and gives every buffer back", () => {
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
