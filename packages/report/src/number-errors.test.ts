import assert from "node:assert/strict";
import { test } from "node:test";
import { binOf, constantErrors, isWithinOne, numberErrors } from "./number-errors.js";

const edges = [3, 10, 20];

test("a number below edge k and not below edge k - 1 is in class k", () => {
  const bins = [-4, 0, 2.9, 3, 9.99, 10, 19.5, 20, 130].map((value) => binOf(value, edges));
  assert.deepEqual(bins, [0, 0, 0, 1, 1, 2, 2, 3, 3]);
});

test("a predicted number that is NaN is refused", () => {
  assert.throws(() => binOf(Number.NaN, edges), /NaN/);
});

test("the errors are the mean absolute error, the root of the mean squared error, and the mean error", () => {
  assert.deepEqual(numberErrors([10, 20, 30], [13, 20, 26]), { mae: 7 / 3, rmse: Math.sqrt(25 / 3), bias: -1 / 3 });
  assert.throws(() => numberErrors([1], [1, 2]), /1 actual numbers, but 2 predicted numbers/);
});

test("the errors of a constant guess use the median for the MAE and the mean for the RMSE", () => {
  // Median 6 (lower middle of 6 and 24.5), mean 26.5.
  const { mae, rmse } = constantErrors([1, 6, 24.5, 74.5]);
  assert.equal(mae, (5 + 0 + 18.5 + 68.5) / 4);
  assert.ok(Math.abs(rmse - Math.sqrt((25.5 ** 2 + 20.5 ** 2 + 2 ** 2 + 48 ** 2) / 4)) < 1e-12);
});

test("isWithinOne is true for a class and its neighbours", () => {
  const near = [3, 4, 2, 5].map((predicted) => isWithinOne(3, predicted));
  assert.deepEqual(near, [true, true, true, false]);
});
