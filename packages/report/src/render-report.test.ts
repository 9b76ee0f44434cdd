import assert from "node:assert/strict";
import { test } from "node:test";
import { ageMidpoints, fairfaceClasses } from "@lockstep/dataset";
import { CounterRandom, randomDomain } from "@lockstep/numerics";
import type { EvaluationReport } from "./evaluation-report.js";
import { reportHead } from "./head-report.js";
import type { ClassHeadResult, ClassPairs, HeadResult, NumberHeadResult } from "./head-result.js";
import { renderReport } from "./render-report.js";

const numSamples = 2500;

/** Makes pairs of which two thirds are right; a wrong prediction is the next class. */
function pairs(classes: readonly string[], number: number): ClassPairs {
  const random = new CounterRandom(number, randomDomain.scheduling);
  const actual = Uint8Array.from({ length: numSamples }, (_, i) => random.uint32(2 * i) % classes.length);
  const predicted = actual.map((k, i) => (random.uint32(2 * i + 1) % 3 === 0 ? (k + 1) % classes.length : k));
  return { classes, actual, predicted };
}

function classHead(name: string, classes: readonly string[], number: number): ClassHeadResult {
  const probabilities_SK = new Float64Array(numSamples * classes.length);
  return { kind: "classes", name, label: name, probabilities_SK, ...pairs(classes, number) };
}

function numberHead(name: string, unit: string, bins: ClassPairs | null, scale: number): NumberHeadResult {
  const { actual, predicted } = bins ?? pairs(["a", "b", "c"], 9);
  const values = (of: Uint8Array): Float64Array => Float64Array.from(of, (k) => scale * (ageMidpoints[k] ?? 0));
  return { kind: "number", name, label: name, unit, actual: values(actual), predicted: values(predicted), bins };
}

function reportOf(heads: readonly HeadResult[], resamples: number, metrics: Record<string, number>): EvaluationReport {
  return {
    checkpoint: { path: "runs/x/checkpoints/step-00000005", step: 5, epoch: 0, weightsSha256: "0123456789abcdef" },
    ...{ recipe: "made", data: "made", part: "val", samples: numSamples, backend: "cpu", device: "cpu", seconds: 1 },
    metrics,
    confidence: resamples === 0 ? null : { level: 0.95, resamples },
    heads: Object.fromEntries(heads.map((head) => [head.name, reportHead(head, resamples)])),
  };
}

function linesOf(report: EvaluationReport): string[] {
  const lines = renderReport(report).split("\n");
  for (const line of lines) assert.ok(line.length <= 80, `${line.length}: ${line}`);
  return lines;
}

test("the report of FairFace's heads fits into 80 columns and has each figure with its interval and its constant guess", () => {
  const { gender, race, ageBin } = fairfaceClasses;
  const heads = [classHead("gender", gender, 1), classHead("race", race, 2)];
  const report = reportOf([...heads, numberHead("age", "years", pairs(ageBin, 3), 1)], 100, {
    ...{ loss: 1.2345678, genderLoss: 0.4, raceLoss: 0.5, ageLoss: 0.1, genderAccuracy: 0.9, raceAccuracy: 0.8 },
    ...{ ageMae: 5, ageRmse: 10 },
  });
  const lines = linesOf(report);
  const race0 = report.heads["race"];
  assert.ok(race0?.kind === "classes");
  const [accuracy, floor] = [race0.accuracy, race0.floor.accuracy].map((share) => `${(100 * share).toFixed(1)}%`);
  const overview = lines.find((line) => line.includes("race accuracy")) ?? "";
  assert.match(overview, new RegExp(`${accuracy} +\\d+\\.\\d% - \\d+\\.\\d% +${floor}$`));
  for (const text of ["Latino_Hispanic", "more than 70", "Female", "age bin, within one", "weighted average"]) {
    assert.ok(
      lines.some((line) => line.includes(text)),
      text,
    );
  }
  // Counts, by actual and by predicted, for gender, race and age bin.
  assert.equal(lines.filter((line) => /rows: actual|% of the/.test(line)).length, 9);
});

test("the report shows only frequent confusions for many classes, shortens long names, and shows tiny numbers with an exponent", () => {
  const classes = Array.from({ length: 40 }, (_, k) => `a class whose name is long, number ${k}`);
  const weight = numberHead("massOfTheWholeAnimalBeforeBreakfast", "t", null, 1e-6);
  const lines = linesOf(reportOf([classHead("species", classes, 4), weight], 0, { loss: 0.00001 }));
  assert.ok(lines.some((line) => line.includes("15 most frequent of")));
  assert.ok(lines.some((line) => line.includes("a class whose name is…")));
  assert.ok(lines.some((line) => /mass of the whole.*MAE, t +\d\.\d\de-\d/.test(line)));
  assert.ok(!lines.some((line) => line.includes("interval")));
});

test("the report of a recipe without heads shows its metrics", () => {
  const lines = linesOf(reportOf([], 100, { loss: 2, someOtherFigure: 0.25 }));
  assert.ok(lines.includes("metrics: loss 2.00, someOtherFigure 0.2500"));
});
