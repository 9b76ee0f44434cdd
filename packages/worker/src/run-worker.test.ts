import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { addInto } from "@lockstep/numerics";
import { float32Bytes, Pass, WireError } from "@lockstep/protocol";
import { xxh3Digest } from "./digest.js";
import type { Submission } from "./testing/fake-coordinator.js";
import { createTestBed, numMicroBatches, type TestBed } from "./testing/tiny-run.js";

let bed: TestBed;
beforeEach(async () => {
  bed = await createTestBed();
});
afterEach(() => bed.close());

const wholeStep = { firstMicroBatch: 0, count: numMicroBatches, numMicroBatches };

describe("a worker's sums", () => {
  it("are the same bits for 1 and 2 compute threads, and for one lease or several", async () => {
    const { coordinator } = bed;
    await coordinator.start();
    const submissions: Submission[] = [];
    for (const threads of [1, 2]) {
      const worker = bed.startWorker({ threads, slot: threads });
      const session = await coordinator.sessions.next();
      coordinator.lease(session, wholeStep);
      submissions.push(await coordinator.submissions.next());
      worker.stop("enough");
      await worker.outcome;
    }
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
  });
});
