import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UserError } from "@lockstep/errors";
import { createPlan, epochOrder, type PassPlan, type PlanSettings } from "./step-plan.js";

const settings: PlanSettings = {
  trainSamples: 1000,
  valSamples: 130,
  microBatch: 32,
  globalBatch: 64,
  epochs: 3,
  seed: 7,
};

function positionsOf(pass: PassPlan): number[] {
  return Array.from({ length: pass.numMicroBatches }, (_, index) => pass.microBatch(index)).flatMap(
    ({ firstPosition, count }) => Array.from({ length: count }, (_, offset) => firstPosition + offset),
  );
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

describe("the step plan", () => {
  test("covers each position of an epoch exactly once and in order, for many sizes", () => {
    for (const trainSamples of [1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000]) {
      for (const [microBatch, globalBatch] of [
        [1, 1],
        [1, 4],
        [32, 32],
        [32, 64],
        [16, 128],
      ] as const) {
        const plan = createPlan({ ...settings, trainSamples, microBatch, globalBatch });
        for (let epoch = 0; epoch < settings.epochs; epoch++) {
          const steps = range(plan.stepsPerEpoch).map((step) => epoch * plan.stepsPerEpoch + step);
          assert.deepEqual(
            steps.map(plan.epochOf),
            steps.map(() => epoch),
          );
          assert.deepEqual(
            steps.flatMap((step) => positionsOf(plan.trainPass(step))),
            range(trainSamples),
          );
        }
      }
    }
  });

  test("has fewer samples in the last step of an epoch, and there only the last micro-batch has fewer", () => {
    const plan = createPlan(settings);
    assert.equal(plan.stepsPerEpoch, 16);
    assert.equal(plan.totalSteps, 48);
    const last = plan.trainPass(15);
    assert.equal(last.numSamples, 40);
    assert.equal(last.numMicroBatches, 2);
    assert.deepEqual(last.microBatch(0), { firstPosition: 960, count: 32 });
    assert.deepEqual(last.microBatch(1), { firstPosition: 992, count: 8 });
    assert.deepEqual(plan.trainPass(16).microBatch(0), { firstPosition: 0, count: 32 });
  });

  test("may have fewer micro-batches in the last step than in the others", () => {
    const plan = createPlan({ ...settings, trainSamples: 64 + 20 });
    assert.equal(plan.trainPass(0).numMicroBatches, 2);
    assert.equal(plan.trainPass(1).numMicroBatches, 1);
    assert.deepEqual(plan.trainPass(1).microBatch(0), { firstPosition: 64, count: 20 });
  });

  test("has a validation pass that covers the part once, and that is empty without validation samples", () => {
    assert.deepEqual(positionsOf(createPlan(settings).validationPass()), range(130));
    const none = createPlan({ ...settings, valSamples: 0 }).validationPass();
    assert.deepEqual([none.numMicroBatches, none.numSamples], [0, 0]);
  });

  test("throws for steps and micro-batches past the end", () => {
    const plan = createPlan(settings);
    assert.throws(() => plan.trainPass(48), /step 48 is not among the run's 48/);
    assert.throws(() => plan.epochOf(-1), RangeError);
    assert.throws(() => plan.trainPass(15).microBatch(2), /micro-batch 2 is not among the pass' 2/);
  });

  test("is refused if sizes do not fit together, and the message has the values and the flag", () => {
    const mistakes: [Partial<PlanSettings>, RegExp][] = [
      [{ microBatch: 48 }, /^microBatch 48: must divide globalBatch 64 \(--micro-batch\)$/],
      [{ microBatch: 128 }, /^microBatch 128: must not exceed globalBatch 64/],
      [{ microBatch: 0 }, /^microBatch 0: must be a whole number of at least 1 \(--micro-batch\)$/],
      [{ globalBatch: 1.5 }, /^globalBatch 1.5: /],
      [{ epochs: Number.NaN }, /^epochs NaN: /],
      [{ trainSamples: 0 }, /^the training part holds 0 images/],
    ];
    for (const [change, message] of mistakes) {
      assert.throws(
        () => createPlan({ ...settings, ...change }),
        (error: unknown) => error instanceof UserError && message.test(error.message),
      );
    }
  });
});

describe("the epoch order", () => {
  test("holds every training sample exactly once in each epoch", () => {
    for (const trainSamples of [1, 2, 63, 1000]) {
      for (const epoch of [0, 1, 2]) {
        assert.deepEqual(
          Array.from(epochOrder(7, epoch, trainSamples)).sort((a, b) => a - b),
          range(trainSamples),
        );
      }
    }
  });

  test("depends only on seed and epoch", () => {
    assert.deepEqual(epochOrder(7, 3, 500), epochOrder(7, 3, 500));
    assert.notDeepEqual(epochOrder(7, 3, 500), epochOrder(7, 4, 500));
    assert.notDeepEqual(epochOrder(7, 3, 500), epochOrder(8, 3, 500));
  });
});
