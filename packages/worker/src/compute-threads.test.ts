import assert from "node:assert/strict";
import { it } from "node:test";
import { UserError } from "@lockstep/errors";
import { pino } from "pino";
import { ComputeThreads } from "./compute-threads.js";
import { SharedBufferPool } from "./shared-buffers.js";
import { createTestBed, whyMissing } from "./testing/tiny-run.js";

const never = new AbortController().signal;
const log = pino({ enabled: false });

for (const backend of ["cpu", "torch"] as const) {
  const skip = await whyMissing(backend);
  it(`a compute thread leaks no tensors, over micro-batches and over weights (${backend})`, { skip }, () =>
    countTensors(backend),
  );
}

it("a backend that is not available is a UserError", async () => {
  const bed = await createTestBed();
  try {
    const setup = { ...bed.threadSetup, backend: "tensorflow" } as const;
    await assert.rejects(ComputeThreads.start({ numThreads: 2, setup, log }), (error) => {
      return error instanceof UserError && /^backend tensorflow is not available: /.test(error.message);
    });
  } finally {
    await bed.close();
  }
});

async function countTensors(backend: "cpu" | "torch"): Promise<void> {
  const bed = await createTestBed();
  const threads = await ComputeThreads.start({ numThreads: 1, setup: { ...bed.threadSetup, backend }, log });
  try {
    const { layout, weights } = bed.run;
    const pool = new SharedBufferPool({ bytes: 4 * layout.numElements, limit: Number.POSITIVE_INFINITY });
    const flat = await pool.take(never);
    new Float32Array(flat.shared).set(weights);
    const pixels = await new SharedBufferPool({ bytes: 4 * 16 * 16 * 3, limit: 1 }).take(never);
    const samples = bed.threadSetup.trainingSamples.slice(0, 4);
    const constants = bed.constantsOf(samples);
    const compute = async (pass: "train" | "validate", weightsVersion: number) => {
      const key = { seed: 7, epoch: 0, step: 0, microBatch: 0 };
      const out = pass === "train" ? await pool.take(never) : null;
      const batch = { key, samples, positions: Uint32Array.of(0, 1, 2, 3), pixels, constants };
      return threads.compute({ kind: "micro-batch", pass, ...batch, weights: flat, weightsVersion, out }, never);
    };
    const first = await compute("train", 0);
    for (const [pass, weightsVersion] of [
      ["train", 0],
      ["train", 1],
      ["validate", 1],
      ["train", 2],
    ] as const) {
      const { numTensors, digest } = await compute(pass, weightsVersion);
      assert.equal(numTensors, first.numTensors);
      if (pass === "train") assert.equal(digest, first.digest);
    }
    assert.equal(first.numTensors, layout.tensors.length, "only the weights remain");
  } finally {
    await threads.stop();
    await bed.close();
  }
}
