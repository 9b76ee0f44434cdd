import assert from "node:assert/strict";
import { test } from "node:test";
import { classify, majorityShare } from "./classification.js";

const names = ["a", "b", "c"];
// Of four a: two found, one taken for b, one for c. Of two b: one found, one taken for a. There is no c.
const actual = [0, 0, 0, 0, 1, 1];
const predicted = [0, 0, 2, 1, 1, 0];
const result = classify(actual, predicted, names);

test("the confusion matrix has actual classes as rows and predicted ones as columns", () => {
  assert.deepEqual(result.confusion, [
    [2, 1, 1],
    [1, 1, 0],
    [0, 0, 0],
  ]);
});

test("precision, recall and F1 are those counted by hand", () => {
  const [a, b, c] = result.classes;
  assert.deepEqual(a, { name: "a", support: 4, predicted: 3, precision: 2 / 3, recall: 1 / 2, f1: a?.f1 });
  assert.ok(Math.abs((a?.f1 ?? 0) - 4 / 7) < 1e-12);
  assert.deepEqual(b, { name: "b", support: 2, predicted: 2, precision: 1 / 2, recall: 1 / 2, f1: 1 / 2 });
  assert.deepEqual(c, { name: "c", support: 0, predicted: 1, precision: 0, recall: 0, f1: 0 });
});

test("accuracy is the diagonal's share, the majority's is that of the largest row", () => {
  assert.equal(result.accuracy, 3 / 6);
  assert.equal(majorityShare(result), 4 / 6);
});

test("macro averages take the classes that occur, as actual or predicted", () => {
  assert.ok(Math.abs(result.macro.recall - (1 / 2 + 1 / 2 + 0) / 3) < 1e-12);
  const without = classify([0, 1], [0, 1], names);
  assert.deepEqual(without.macro, { precision: 1, recall: 1, f1: 1 });
});

test("a class without a name or lists of unequal length are refused", () => {
  assert.throws(() => classify([0], [3], names), /sample 0: actual 0, predicted 3, there are 3 classes/);
  assert.throws(() => classify([0], [0, 1], names), /1 actual classes, 2 predicted/);
});
