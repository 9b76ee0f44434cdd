import assert from "node:assert/strict";
import { test } from "node:test";
import { type TinyRun, tinyRun } from "../testing/prepared-folder.js";
import { NotFiniteUpdate, TrainingState } from "./training-state.js";

function fresh({ run, layout }: TinyRun): TrainingState {
  return new TrainingState({
    run,
    layout,
    totalSteps: 6,
    weights: new Float32Array(layout.numElements).fill(0.5),
    optimizerState: [],
    epochSums: [],
    epochSamples: 0,
  });
}

function sumOf({ layout }: TinyRun, gradient: number, statistic = 1) {
  const values = new Float32Array(layout.numElements).fill(gradient);
  values.fill(statistic, layout.numParameters);
  return { values, sums: Float64Array.of(1, 1, 16) };
}

test("an update that makes weights overflow throws, and the message has the step, the tensor and the remedy", () => {
  const tiny = tinyRun({ learningRate: 3e38 });
  assert.throws(
    () => fresh(tiny).apply(sumOf(tiny, 1e-3), { step: 0, numSamples: 16 }),
    (error) => {
      assert.ok(error instanceof NotFiniteUpdate);
      assert.match(
        error.message,
        /^step 0: the update made 18 of 21 values NaN or infinite, the first in tensor bias; train with a learning rate below 3e\+38, or clip the gradient$/,
      );
      return true;
    },
  );
});

test("an update that makes the optimizer's state overflow throws, even if the weights stay finite", () => {
  const tiny = tinyRun();
  const { spec } = tiny.run;
  const run = { ...tiny.run, spec: { ...spec, optimizer: { ...spec.optimizer, clipNorm: null } } };
  const training = fresh({ ...tiny, run });
  assert.throws(
    () => training.apply(sumOf(tiny, 1e25), { step: 0, numSamples: 16 }),
    /^NotFiniteUpdate: step 0: the update made 18 of 18 values NaN or infinite, the first in the optimizer's secondMoment of tensor bias/,
  );
});

test("an update that makes batch-norm statistics infinite throws, even if the gradient is finite", () => {
  const tiny = tinyRun();
  assert.throws(
    () => fresh(tiny).apply(sumOf(tiny, 1e-3, Number.POSITIVE_INFINITY), { step: 0, numSamples: 16 }),
    /^NotFiniteUpdate: step 0: the update made 3 of 21 values NaN or infinite, the first in tensor mean/,
  );
});
