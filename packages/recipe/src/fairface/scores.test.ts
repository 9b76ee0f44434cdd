import assert from "node:assert/strict";
import { test } from "node:test";
import { fairfaceClasses, fairfaceLabels, labelTable } from "@lockstep/dataset";
import { metrics, passConstants, raceWeights, type ScoreContext, score, sumNames } from "./scores.js";
import { range, tinyLabels } from "./tiny-problem.js";

const labels = labelTable(fairfaceLabels, [
  { gender: 1, race: 2, ageBin: 0 },
  { gender: 0, race: 2, ageBin: 4 },
  { gender: 1, race: 0, ageBin: 8 },
  { gender: 0, race: 6, ageBin: 3 },
]);
const allSamples = range(0, 4);
const weights = raceWeights(labels, allSamples);

function contextOf(samples: Uint32Array, overrides: Partial<ScoreContext> = {}): ScoreContext {
  return {
    labels,
    samples,
    constants: passConstants(labels, weights, allSamples),
    raceWeights: weights,
    taskWeights: { gender: 1, race: 1, age: 1 },
    ...overrides,
  };
}

function named(sums: Float64Array): Record<(typeof sumNames)[number], number> {
  const entries = sumNames.map((name, i) => [name, sums[i]]);
  return Object.fromEntries(entries) as Record<(typeof sumNames)[number], number>; // Its keys are the names.
}

function close(actual: number | undefined, expected: number, tolerance = 1e-12): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected}`);
}

test("class weights are inverse frequencies of the training part, one on average over its samples", () => {
  assert.deepEqual(weights, [4 / 7, 4 / 7, 4 / 14, 4 / 7, 4 / 7, 4 / 7, 4 / 7]);
  const part = tinyLabels(700);
  const inPart = raceWeights(part, range(0, 700));
  close(Array.from(part.columns["race"] ?? []).reduce((sum, race) => sum + (inPart[race] ?? 0), 0) / 700, 1);
});

test("pass constants are the pass' samples and their class weights, whatever the order", () => {
  const forwards = passConstants(labels, weights, allSamples);
  assert.deepEqual(forwards, { samples: 4, raceWeight: 2 * (4 / 14) + 2 * (4 / 7) });
  assert.deepEqual(passConstants(labels, weights, allSamples.slice().reverse()), forwards);
});

test("losses of outputs that say nothing are log 2, log 7 and the ages themselves", () => {
  const outputs = { gender: new Float32Array(4), race: new Float32Array(28), age: new Float32Array(4) };
  const sums = named(score(outputs, contextOf(allSamples)).sums);
  close(sums.genderLoss, Math.log(2));
  close(sums.raceLoss, Math.log(7));
  const years = [1, 34.5, 75, 24.5];
  close(sums.ageLoss, years.reduce((sum, age) => sum + age, 0) / 400);
  close(sums.ageAbsoluteError, 135);
  close(
    sums.ageSquaredError,
    years.reduce((sum, age) => sum + age ** 2, 0),
    1e-9,
  );
  close(sums.loss, Math.log(2) + Math.log(7) + 1.35 / 4);
  assert.equal(sums.genderCorrect, 2); // a logit of 0 says Male
  assert.equal(sums.raceCorrect, 1); // of equal logits the first wins: White
});

test("losses stay finite and exact where logits are huge", () => {
  const race = new Float32Array(28);
  race[2] = 1000; // right
  race[7 + 3] = 1000; // wrong by 1000
  const outputs = { gender: Float32Array.of(1000, 1000, -1000, -1000), race, age: new Float32Array(4) };
  const sums = named(score(outputs, contextOf(allSamples)).sums);
  close(sums.genderLoss, 2000 / 4);
  const { raceWeight = 0 } = passConstants(labels, weights, allSamples);
  close(sums.raceLoss, ((4 / 14) * 1000 + 2 * (4 / 7) * Math.log(7)) / raceWeight, 1e-9);
});

test("gradients agree with numerical differences of the weighted loss", () => {
  const taskWeights = { gender: 0.5, race: 2, age: 3 };
  const outputs = {
    gender: Float32Array.of(0.5, -1.5, 2, 0.25),
    race: Float32Array.from({ length: 28 }, (_, i) => Math.sin(3 * i)),
    age: Float32Array.of(0.5, 0.25, 0.125, 0.75),
  };
  const context = contextOf(allSamples, { taskWeights });
  const { gradients } = score(outputs, context);
  const h = 2 ** -10;
  for (const head of ["gender", "race", "age"] as const) {
    outputs[head].forEach((value, i) => {
      const lossAt = (moved: number): number => {
        const values = outputs[head].slice();
        values[i] = moved;
        return named(score({ ...outputs, [head]: values }, context).sums).loss;
      };
      close(gradients[head][i], (lossAt(value + h) - lossAt(value - h)) / (2 * h), 1e-5);
    });
  }
});

test("micro-batches of a pass add up to it, gradients unchanged", () => {
  const outputs = {
    gender: Float32Array.of(0.5, -1.5, 2, 0.25),
    race: Float32Array.from({ length: 28 }, (_, i) => Math.cos(i)),
    age: Float32Array.of(0.5, 0.25, 0.125, 0.75),
  };
  const whole = score(outputs, contextOf(allSamples));
  const parts = [0, 1, 2, 3].map((b) =>
    score(
      {
        gender: outputs.gender.subarray(b, b + 1),
        race: outputs.race.subarray(7 * b, 7 * b + 7),
        age: outputs.age.subarray(b, b + 1),
      },
      contextOf(allSamples.subarray(b, b + 1)),
    ),
  );
  whole.sums.forEach((sum, i) => {
    close(
      parts.reduce((total, part) => total + (part.sums[i] ?? Number.NaN), 0),
      sum,
      1e-12 * Math.max(1, Math.abs(sum)),
    );
  });
  for (const head of ["gender", "race", "age"] as const) {
    assert.deepEqual(
      parts.flatMap((part) => [...part.gradients[head]]),
      [...whole.gradients[head]],
    );
  }
});

test("every metric names sums that exist", () => {
  for (const { numerator, denominator } of metrics) {
    for (const name of [numerator, denominator ?? numerator])
      assert.ok((sumNames as readonly string[]).includes(name), name);
  }
});

test("race logits are as many as the schema's races", () => {
  assert.equal(weights.length, fairfaceClasses.race.length);
});
