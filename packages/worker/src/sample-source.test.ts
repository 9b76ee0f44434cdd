import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Pass, type RunSpec } from "@lockstep/protocol";
import { SampleSource, type Work } from "./sample-source.js";

// 10 training samples (indexes from 100), 3 validation samples; an epoch has steps of 2, 2 and 1 micro-batches of 2.
const parts = { train: Uint32Array.from({ length: 10 }, (_, i) => 100 + i), val: Uint32Array.of(5, 6, 7) };
const spec = { seed: 7, microBatch: 2, globalBatch: 4, epochs: 2 } as RunSpec; // only the fields that the plan needs
const lastStep: Work = { pass: Pass.TRAIN, epoch: 0, step: 2, numMicroBatches: 1, firstMicroBatch: 0, count: 1 };

function createSource() {
  const passes: Uint32Array[] = [];
  const passConstants = (samples: Uint32Array) => {
    passes.push(samples);
    return { samples: samples.length };
  };
  return { passes, source: new SampleSource({ spec, parts, samplingWeights: null, recipe: { passConstants } }) };
}

describe("the sample source", () => {
  it("returns each training sample once in an epoch, in another order in each epoch", () => {
    const { source } = createSource();
    const epochs = [0, 1].map((epoch) => {
      const samples = [0, 1, 2].flatMap((stepInEpoch) => {
        const work = { ...lastStep, epoch, step: 3 * epoch + stepInEpoch };
        const microBatches = stepInEpoch < 2 ? [0, 1] : [0];
        return microBatches.flatMap((index) => [...source.batch(work, index).samples]);
      });
      assert.deepEqual([...samples].sort(), [...parts.train]);
      return samples;
    });
    assert.notDeepEqual(epochs[0], epochs[1]);
  });

  it("gives a micro-batch a key of seed, epoch, step and index", () => {
    const { source } = createSource();
    const { key, positions } = source.batch({ ...lastStep, epoch: 1, step: 4 }, 1);
    assert.deepEqual(key, { seed: 7, epoch: 1, step: 4, microBatch: 1 });
    assert.deepEqual([...positions], [6, 7]);
  });

  it("returns the validation part in canonical order; its last micro-batch is smaller", () => {
    const { source } = createSource();
    const { samples, positions } = source.batch({ ...lastStep, pass: Pass.VALIDATE }, 1);
    assert.deepEqual([...samples], [7]);
    assert.deepEqual([...positions], [2]);
  });

  it("computes the constants of a pass once, from all its samples", () => {
    const { source, passes } = createSource();
    assert.deepEqual(source.constants({ ...lastStep, step: 1 }), { samples: 4 });
    source.constants({ ...lastStep, step: 1 });
    assert.deepEqual(source.constants(lastStep), { samples: 2 });
    assert.deepEqual(source.constants({ ...lastStep, pass: Pass.VALIDATE }), { samples: 3 });
    source.constants({ ...lastStep, pass: Pass.VALIDATE });
    assert.equal(passes.length, 3);
  });

  it("returns why a lease does not fit the run's plan", () => {
    const { source } = createSource();
    assert.equal(source.problemOf(lastStep), null);
    assert.equal(source.problemOf({ ...lastStep, pass: Pass.VALIDATE, numMicroBatches: 2, count: 2 }), null);
    for (const [changes, problem] of [
      [{ step: 6 }, "step 6 is past the run's 6"],
      [{ epoch: 1 }, "step 2 belongs to epoch 0, not 1"],
      [{ numMicroBatches: 2 }, "the pass has 1 micro-batches, not 2"],
      [{ count: 2 }, "micro-batches 0+2 are not a node of the tree over 1"],
      [{ pass: Pass.UNSPECIFIED }, "pass 0 is unknown"],
    ] as const) {
      assert.equal(source.problemOf({ ...lastStep, ...changes }), problem);
    }
  });
});
