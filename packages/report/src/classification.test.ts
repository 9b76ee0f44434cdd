import assert from "node:assert/strict";
import { test } from "node:test";
import { cellsOf, classify, majorityShare, scoresOf } from "./classification.js";

const names = ["a", "b", "c"];
// Of the four samples of a, two are predicted as a, one as b, one as c. Of the two samples of b, one is predicted as b,
// one as a. No sample is of class c.
const actual = [0, 0, 0, 0, 1, 1];
const predicted = [0, 0, 2, 1, 1, 0];
const result = classify(actual, predicted, names);

function assertNear(value: number, expected: number): void {
  assert.ok(Math.abs(value - expected) < 1e-12, `${value}, not ${expected}`);
}

test("the confusion matrix has actual classes as rows and predicted ones as columns", () => {
  assert.deepEqual(result.confusion.counts, [
    [2, 1, 1],
    [1, 1, 0],
    [0, 0, 0],
  ]);
});

test("the confusion matrix is normalised by rows and by columns; rows and columns of zeros stay zero", () => {
  const { byActual, byPredicted } = result.confusion;
  assert.deepEqual(byActual, [
    [2 / 4, 1 / 4, 1 / 4],
    [1 / 2, 1 / 2, 0],
    [0, 0, 0],
  ]);
  assert.deepEqual(byPredicted, [
    [2 / 3, 1 / 2, 1],
    [1 / 3, 1 / 2, 0],
    [0, 0, 0],
  ]);
  result.classes.forEach(({ recall, precision }, k) => {
    assert.equal(byActual[k]?.[k], recall);
    assert.equal(byPredicted[k]?.[k], precision);
  });
});

test("precision, recall and F1 equal those computed by hand", () => {
  const [a, b, c] = result.classes;
  assert.deepEqual(a, { name: "a", support: 4, predicted: 3, precision: 2 / 3, recall: 1 / 2, f1: a?.f1 });
  assertNear(a?.f1 ?? 0, 4 / 7);
  assert.deepEqual(b, { name: "b", support: 2, predicted: 2, precision: 1 / 2, recall: 1 / 2, f1: 1 / 2 });
  assert.deepEqual(c, { name: "c", support: 0, predicted: 1, precision: 0, recall: 0, f1: 0 });
});

test("accuracy is the share of the diagonal, and majorityShare is the share of the largest row", () => {
  assert.equal(result.accuracy, 3 / 6);
  assert.equal(majorityShare(result), 4 / 6);
});

test("balanced accuracy is the mean recall of the classes that have samples", () => {
  assertNear(result.balancedAccuracy, (1 / 2 + 1 / 2) / 2);
});

test("macro averages are over the classes that occur as actual or predicted class", () => {
  assertNear(result.macro.recall, (1 / 2 + 1 / 2 + 0) / 3);
  const without = classify([0, 1], [0, 1], names);
  assert.deepEqual(without.macro, { precision: 1, recall: 1, f1: 1 });
});

test("weighted averages weight each class by its number of samples, so the weighted recall is the accuracy", () => {
  assertNear(result.weighted.precision, (4 * (2 / 3) + 2 * (1 / 2)) / 6);
  assertNear(result.weighted.f1, (4 * (4 / 7) + 2 * (1 / 2)) / 6);
  assertNear(result.weighted.recall, result.accuracy);
});

test("scoresOf computes the scores of the classification from the counts", () => {
  const counts = Uint32Array.from(result.confusion.counts.flat());
  assert.deepEqual(scoresOf(counts, 3), { accuracy: result.accuracy, macroF1: result.macro.f1 });
  assert.deepEqual([...cellsOf(actual, predicted, 3)], [0, 0, 2, 1, 4, 3]);
});

test("classify throws for a class index without a name and for arrays of different length", () => {
  assert.throws(() => classify([0], [3], names), /sample 0: actual 0, predicted 3, there are 3 classes/);
  assert.throws(() => classify([0], [0, 1], names), /1 actual classes, but 2 predicted classes/);
});
