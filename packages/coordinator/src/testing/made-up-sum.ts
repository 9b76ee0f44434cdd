// Creates a made-up sum of a lease, for tests: `madeUpSum`. It is a function of the weights, the step and the
// micro-batches, and is added over the fixed tree like a real worker's sum.
import { addInto, TreeSum } from "@lockstep/numerics";
import {
  contributionHeader,
  encodeTensorChunks,
  float32Bytes,
  type Lease,
  Pass,
  type SubmitSumRequest,
} from "@lockstep/protocol";
import type { TinyRun } from "./prepared-folder.js";

/** The requests of one upload: the header, then the chunks of the tensors. */
export function madeUpSum(
  { run, layout }: TinyRun,
  lease: Lease,
  { weights, sessionId }: { readonly weights: Float32Array; readonly sessionId: string },
): SubmitSumRequest[] {
  const { firstMicroBatch: first, count, numMicroBatches, pass } = lease;
  const train = pass === Pass.TRAIN;
  const { globalBatch, microBatch, dataset } = run.spec;
  const stepsPerEpoch = Math.ceil(dataset.samples.train / globalBatch);
  const passSamples = train
    ? Math.min(globalBatch, dataset.samples.train - (lease.step % stepsPerEpoch) * globalBatch)
    : dataset.samples.val;
  const sum = new TreeSum<{ values: Float32Array; sums: Float64Array }>(
    numMicroBatches,
    (into, from) => {
      addInto(into.values, from.values);
      addInto(into.sums, from.sums);
    },
    { first, count },
  );
  const proofs = [];
  for (let index = first; index < first + count; index++) {
    const numSamples = Math.min(microBatch, passSamples - index * microBatch);
    sum.add({ first: index, count: 1 }, madeUp(weights, { seed: 31 * lease.step + index, numSamples }));
    proofs.push({ microBatch: index, digest: `d${index}`, finite: true, numSamples });
  }
  const { values, sums } = sum.root() ?? madeUp(weights, { seed: 0, numSamples: 0 });
  const header: SubmitSumRequest = {
    part: {
      $case: "header",
      value: {
        sessionId,
        leaseId: lease.leaseId,
        coordinatorGeneration: lease.coordinatorGeneration,
        pass,
        step: lease.step,
        weightsDigest: lease.weightsDigest,
        firstMicroBatch: first,
        count,
        proofs,
        sums: [...sums],
        tensors: train ? contributionHeader(layout) : undefined,
        phaseSeconds: {
          fetchWeights: 0.001,
          load: 0.002,
          compute: 0.003,
          forward: 0.001,
          backward: 0.002,
          sum: 0.004,
        },
      },
    },
  };
  if (!train) return [header];
  const chunks = [...encodeTensorChunks(float32Bytes(values))];
  return [header, ...chunks.map((value): SubmitSumRequest => ({ part: { $case: "chunk", value } }))];
}

/**
 * Gradients, statistics times samples, and metric sums of one micro-batch. They train nothing and differ for each
 * input.
 */
function madeUp(
  weights: Float32Array,
  { seed, numSamples }: { readonly seed: number; readonly numSamples: number },
): { values: Float32Array; sums: Float64Array } {
  const values = weights.map((weight, index) => Math.fround(weight * 0.37 + ((seed * 7 + index * 3) % 11) / 10 - 0.5));
  const loss = values.reduce((sum, value) => sum + Math.abs(value), 0) / 100;
  return { values, sums: Float64Array.of(loss, (seed + numSamples) % (numSamples + 1), numSamples) };
}
