import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { addInto } from "@lockstep/numerics";
import { float32Bytes, Pass, xxh3Digest } from "@lockstep/protocol";
import type { Submission } from "./testing/fake-coordinator.js";
import { createTestBed, numMicroBatches, type TestBed, whyMissing } from "./testing/tiny-run.js";

const wholeStep = { firstMicroBatch: 0, count: numMicroBatches, numMicroBatches };

const missing = { cpu: await whyMissing("cpu"), torch: await whyMissing("torch") };

describe("a worker's sums", { timeout: 60_000 }, () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await createTestBed();
    await bed.coordinator.start();
  });
  afterEach(() => bed.close());

  for (const backend of ["cpu", "torch"] as const) {
    it(`have the same bits for 1 and 2 compute threads (${backend})`, { skip: missing[backend] }, () =>
      compareThreads(bed, backend),
    );
  }

  it("of two leases add up to the sum of one lease over both, and the weights are fetched once", async () => {
    const { coordinator } = bed;
    bed.startWorker();
    const session = await coordinator.sessions.next();
    const whole = coordinator.lease(session, wholeStep);
    const left = coordinator.lease(session, { firstMicroBatch: 0, count: 4, numMicroBatches });
    const right = coordinator.lease(session, { firstMicroBatch: 4, count: 1, numMicroBatches });
    const byLease = new Map<number, Submission>();
    while (byLease.size < 3) {
      const submission = await coordinator.submissions.next();
      byLease.set(submission.header.leaseId, submission);
    }
    const [wholeSum, leftSum, rightSum] = [whole, left, right].map(({ leaseId }) => byLease.get(leaseId));
    assert.ok(wholeSum && leftSum && rightSum);
    const [proof] = rightSum.header.proofs;
    assert.equal(
      proof?.digest,
      xxh3Digest(float32Bytes(rightSum.tensors)),
      "a leaf's digest is computed from its bytes",
    );
    addInto(leftSum.tensors, rightSum.tensors);
    assert.deepEqual(leftSum.tensors, wholeSum.tensors);
    assert.equal(coordinator.numFetches, 1);
  });

  it("of a validation lease are metric sums, and their digests are computed from the float64 values", async () => {
    const { coordinator, run } = bed;
    bed.startWorker();
    const session = await coordinator.sessions.next();
    const valSamples = run.spec.dataset.samples.val;
    const V = Math.ceil(valSamples / run.spec.microBatch);
    const pass = { pass: Pass.VALIDATE, step: 4, numMicroBatches: V };
    coordinator.lease(session, { ...pass, firstMicroBatch: V - 1, count: 1 });
    coordinator.lease(session, { ...pass, firstMicroBatch: 0, count: V });
    const leaf = await coordinator.submissions.next();
    const whole = await coordinator.submissions.next();
    assert.equal(leaf.header.tensors, undefined);
    assert.equal(leaf.tensors.length, 0);
    const doubles = Float64Array.from(leaf.header.sums);
    assert.equal(leaf.header.proofs[0]?.digest, xxh3Digest(new Uint8Array(doubles.buffer)));
    assert.equal(whole.header.proofs.length, V);
    const numSamples = whole.header.proofs.reduce((total, proof) => total + proof.numSamples, 0);
    assert.equal(numSamples, valSamples);
    assert.ok(whole.header.sums.includes(valSamples), "one of the sums counts the samples");
  });
});

async function compareThreads(bed: TestBed, backend: "cpu" | "torch"): Promise<void> {
  const { coordinator } = bed;
  const submissions: Submission[] = [];
  for (const threads of [1, 2]) {
    const worker = bed.startWorker({ threads, backend });
    coordinator.lease(await coordinator.sessions.next(), wholeStep);
    submissions.push(await coordinator.submissions.next());
    worker.stop("enough");
    assert.equal((await worker.outcome).kind, "left");
  }
  assert.ok(!bed.logged.some((line) => line.includes("terminating")), "threads end without being terminated");
  const [one, two] = submissions;
  assert.ok(one && two);
  assert.ok(one.tensors.some((value) => value !== 0));
  assert.deepEqual(two.tensors, one.tensors);
  assert.deepEqual(two.header.sums, one.header.sums);
  assert.deepEqual(two.header.proofs, one.header.proofs);
  assert.deepEqual(
    one.header.proofs.map(({ microBatch, finite, numSamples }) => ({ microBatch, finite, numSamples })),
    Array.from({ length: numMicroBatches }, (_, microBatch) => ({ microBatch, finite: true, numSamples: 4 })),
  );
}
