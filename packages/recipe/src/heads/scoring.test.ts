import assert from "node:assert/strict";
import { test } from "node:test";
import { fairfaceClasses, fairfaceLabels, labelTable } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { fairfaceHeads } from "../fairface/fairface-recipe.js";
import { range, tinyLabels } from "../fairface/tiny-problem.js";
import { inverseFrequency } from "./class-weights.js";
import { createScoring, type HeadValues } from "./scoring.js";

const labels = labelTable(fairfaceLabels, [
  { gender: 1, race: 2, ageBin: 0 },
  { gender: 0, race: 2, ageBin: 4 },
  { gender: 1, race: 0, ageBin: 8 },
  { gender: 0, race: 6, ageBin: 3 },
]);
const allSamples = range(0, 4);
const equalWeights = { gender: 1, race: 1, age: 1 };

function scoringWith(taskWeights = equalWeights) {
  return createScoring({
    heads: fairfaceHeads({ taskWeights, classWeights: "inverse-frequency" }),
    labels,
    trainingSamples: allSamples,
  });
}

const scoring = scoringWith();
const constants = scoring.passConstants(allSamples);

/** Returns a function from the name of a sum to its value over all samples. */
function sumsOf(outputs: HeadValues, taskWeights = equalWeights): (name: string) => number {
  const { sums } = scoringWith(taskWeights).score(outputs, allSamples, constants);
  return (name) => sums[scoring.sumNames.indexOf(name)] ?? assert.fail(`no sum ${name}`);
}

function close(actual: number | undefined, expected: number, tolerance = 1e-12): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected}`);
}

test("class weights are inverse frequencies in the training part, and 1 on average over its samples", () => {
  const race = { label: "race", numClasses: fairfaceClasses.race.length };
  const weights = inverseFrequency({ ...race, labels, trainingSamples: allSamples });
  assert.deepEqual(weights, [4 / 7, 4 / 7, 4 / 14, 4 / 7, 4 / 7, 4 / 7, 4 / 7]);
  const part = tinyLabels(700);
  const inPart = inverseFrequency({ ...race, labels: part, trainingSamples: range(0, 700) });
  close(Array.from(part.columns["race"] ?? []).reduce((sum, race) => sum + (inPart[race] ?? 0), 0) / 700, 1);
});

test("pass constants are the number of samples and the sum of their class weights, in any order of the samples", () => {
  assert.deepEqual(constants, { samples: 4, raceWeight: 2 * (4 / 14) + 2 * (4 / 7) });
  assert.deepEqual(scoring.passConstants(allSamples.slice().reverse()), constants);
});

test("without class weights every sample has the same weight in the race loss", () => {
  const heads = fairfaceHeads({ taskWeights: equalWeights, classWeights: "none" });
  const unweighted = createScoring({ heads, labels, trainingSamples: allSamples });
  const race = new Float32Array(28);
  race[2] = 1000; // right; the sample's class occurs twice
  race[7 + 3] = 1000; // wrong by 1000; the sample has the same class
  const outputs = { gender: new Float32Array(4), race, age: new Float32Array(4) };
  const { sums } = unweighted.score(outputs, allSamples, unweighted.passConstants(allSamples));
  close(sums[unweighted.sumNames.indexOf("raceLoss")], (1000 + 2 * Math.log(7)) / 4, 1e-9);
});

test("a pass whose samples all have a class weight of 0 has a loss of 0 and gradients of 0", () => {
  const heads = { gender: { loss: "crossEntropy", classWeights: [0, 1] } } as const;
  const weighted = createScoring({ heads, labels, trainingSamples: allSamples });
  const lossAndGradients = (samples: Uint32Array) => {
    const outputs = { gender: new Float32Array(2 * samples.length) };
    const { sums, gradients } = weighted.score(outputs, samples, weighted.passConstants(samples));
    return [sums[weighted.sumNames.indexOf("genderLoss")], ...(gradients["gender"] ?? [])].map(
      (value = NaN) => value + 0,
    );
  };
  assert.deepEqual(lossAndGradients(Uint32Array.of(1, 3)), [0, 0, 0, 0, 0]); // -0 + 0 is 0
  assert.deepEqual(lossAndGradients(Uint32Array.of(1, 2)), [Math.log(2), 0, 0, 0.5, -0.5]);
});

test("losses of outputs that are all 0 are log 2, log 7 and the ages themselves", () => {
  const outputs = { gender: new Float32Array(4), race: new Float32Array(28), age: new Float32Array(4) };
  const sum = sumsOf(outputs);
  close(sum("genderLoss"), Math.log(2));
  close(sum("raceLoss"), Math.log(7));
  const years = [1, 34.5, 75, 24.5];
  close(sum("ageLoss"), years.reduce((sum, age) => sum + age, 0) / 400);
  close(sum("ageAbsoluteError"), 135);
  close(
    sum("ageSquaredError"),
    years.reduce((sum, age) => sum + age ** 2, 0),
    1e-9,
  );
  close(sum("loss"), Math.log(2) + Math.log(7) + 1.35 / 4);
  assert.equal(sum("genderCorrect"), 2); // a logit of 0 predicts Male
  assert.equal(sum("raceCorrect"), 1); // the first of equal logits is predicted: White
});

test("losses of huge logits are finite and exact", () => {
  const race = new Float32Array(28);
  race[2] = 1000; // right
  race[7 + 3] = 1000; // wrong by 1000
  const outputs = { gender: Float32Array.of(1000, 1000, -1000, -1000), race, age: new Float32Array(4) };
  const sum = sumsOf(outputs);
  close(sum("genderLoss"), 2000 / 4);
  const { raceWeight = 0 } = constants;
  close(sum("raceLoss"), ((4 / 14) * 1000 + 2 * (4 / 7) * Math.log(7)) / raceWeight, 1e-9);
});

test("gradients agree with numerical differences of the weighted loss", () => {
  const taskWeights = { gender: 0.5, race: 2, age: 3 };
  const outputs = {
    gender: Float32Array.of(0.5, -1.5, 2, 0.25),
    race: Float32Array.from({ length: 28 }, (_, i) => Math.sin(3 * i)),
    age: Float32Array.of(0.5, 0.25, 0.125, 0.75),
  };
  const { gradients } = scoringWith(taskWeights).score(outputs, allSamples, constants);
  const h = 2 ** -10;
  for (const head of ["gender", "race", "age"] as const) {
    outputs[head].forEach((value, i) => {
      const lossAt = (moved: number): number => {
        const values = outputs[head].slice();
        values[i] = moved;
        return sumsOf({ ...outputs, [head]: values }, taskWeights)("loss");
      };
      close(gradients[head]?.[i], (lossAt(value + h) - lossAt(value - h)) / (2 * h), 1e-5);
    });
  }
});

test("the sums of a pass are the totals over its micro-batches, and the gradients are the same", () => {
  const outputs = {
    gender: Float32Array.of(0.5, -1.5, 2, 0.25),
    race: Float32Array.from({ length: 28 }, (_, i) => Math.cos(i)),
    age: Float32Array.of(0.5, 0.25, 0.125, 0.75),
  };
  const whole = scoring.score(outputs, allSamples, constants);
  const parts = [0, 1, 2, 3].map((b) =>
    scoring.score(
      {
        gender: outputs.gender.subarray(b, b + 1),
        race: outputs.race.subarray(7 * b, 7 * b + 7),
        age: outputs.age.subarray(b, b + 1),
      },
      allSamples.subarray(b, b + 1),
      constants,
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
      parts.flatMap((part) => [...(part.gradients[head] ?? [])]),
      [...(whole.gradients[head] ?? [])],
    );
  }
});

test("every metric is computed from sums that exist", () => {
  for (const { numerator, denominator } of scoring.metrics) {
    for (const name of [numerator, denominator ?? numerator]) assert.ok(scoring.sumNames.includes(name), name);
  }
});

test("metric sums and metrics have the order in which existing runs recorded them", () => {
  assert.deepEqual(scoring.sumNames, [
    ...["samples", "loss", "genderLoss", "raceLoss", "ageLoss"],
    ...["genderCorrect", "raceCorrect", "ageAbsoluteError", "ageSquaredError"],
  ]);
  assert.deepEqual(
    scoring.metrics.map(({ name, unit }) => `${name} ${unit}`),
    [
      ...["loss nats", "genderLoss nats", "raceLoss nats", "ageLoss years/100"],
      ...["genderAccuracy fraction", "raceAccuracy fraction", "ageMae years", "ageRmse years"],
    ],
  );
});

test("a recipe's own loss is called with one sample's outputs and target, not with its batch", () => {
  const seen: [number[], number][] = [];
  const huber = (outputs_K: Float32Array, target: number) => {
    seen.push([[...outputs_K], target]);
    const error = (outputs_K[0] ?? Number.NaN) - target;
    return Math.abs(error) < 1
      ? { loss: error ** 2 / 2, gradient: [error] }
      : { loss: Math.abs(error) - 0.5, gradient: [Math.sign(error)] };
  };
  const own = createScoring({
    heads: { decade: { label: "ageBin", loss: huber, classValues: [0, 1, 2, 3, 4, 5, 6, 7, 8] } },
    metrics: { hits: { value: ({ decade = [] }, { ageBin = 0 }) => Number(Math.round(decade[0] ?? 0) === ageBin) } },
    labels,
    trainingSamples: allSamples,
  });
  const outputs = { decade: Float32Array.of(0.25, 4, 6, 3) };
  const { sums, gradients } = own.score(outputs, allSamples, own.passConstants(allSamples));
  assert.deepEqual(seen, [
    [[0.25], 0],
    [[4], 4],
    [[6], 8],
    [[3], 3],
  ]);
  assert.deepEqual([...(gradients["decade"] ?? [])], [0.25 / 4, 0, -1 / 4, 0]);
  assert.deepEqual(
    own.sumNames.map((name, i) => [name, sums[i]]),
    [
      ["samples", 4],
      ["loss", (0.25 ** 2 / 2 + 1.5) / 4],
      ["decadeLoss", (0.25 ** 2 / 2 + 1.5) / 4],
      ["decadeAbsoluteError", 2.25],
      ["decadeSquaredError", 0.25 ** 2 + 4],
      ["hits", 3],
    ],
  );
});

test("a head that does not fit its label is refused by name", () => {
  const refusal = (heads: Parameters<typeof createScoring>[0]["heads"]) => {
    try {
      createScoring({ heads, labels, trainingSamples: allSamples });
    } catch (error) {
      assert.ok(error instanceof UserError);
      return error.message;
    }
    return "accepted";
  };
  assert.match(
    refusal({ sex: { loss: "crossEntropy" } }),
    /^head sex: label "sex" is not in the recipe's labels \(gender/,
  );
  assert.match(refusal({ race: { loss: "binaryCrossEntropy" } }), /two classes, label "race" has 7; use crossEntropy/);
  assert.match(refusal({ race: { loss: "absoluteError" } }), /needs a number, label "race" has classes/);
  assert.match(
    refusal({ race: { loss: "crossEntropy", width: 3 } }),
    /width 3: its loss and label require 7 outputs; remove width/,
  );
  assert.match(refusal({ race: { loss: "crossEntropy", classWeights: [1, 2] } }), /classWeights has 2 numbers/);
});
