import assert from "node:assert/strict";
import { test } from "node:test";
import { binOf, constantErrors, isWithinOne, numberErrors } from "./number-errors.js";

const edges = [3, 10, 20];

test("a number below an edge and not below the one before is in that edge's class", () => {
  const bins = [-4, 0, 2.9, 3, 9.99, 10, 19.5, 20, 130].map((value) => binOf(value, edges));
  assert.deepEqual(bins, [0, 0, 0, 1, 1, 2, 2, 3, 3]);
});

test("a predicted number that is none is refused", () => {
  assert.throws(() => binOf(Number.NaN, edges), /NaN/);
});

test("errors are the mean absolute one, the root of the mean square, and the mean", () => {
  assert.deepEqual(numberErrors([10, 20, 30], [13, 20, 26]), { mae: 7 / 3, rmse: Math.sqrt(25 / 3), bias: -1 / 3 });
  assert.throws(() => numberErrors([1], [1, 2]), /1 actual numbers, 2 predicted/);
});

test("the constant floors use the median for the MAE and the mean for the RMSE", () => {
  // Median 6 (lower middle of 6 and 24.5), mean 26.5.
  const { mae, rmse } = constantErrors([1, 6, 24.5, 74.5]);
  assert.equal(mae, (5 + 0 + 18.5 + 68.5) / 4);
  assert.ok(Math.abs(rmse - Math.sqrt((25.5 ** 2 + 20.5 ** 2 + 2 ** 2 + 48 ** 2) / 4)) < 1e-12);
});

test("within one counts the class and its neighbours", () => {
  const near = [3, 4, 2, 5].map((predicted) => isWithinOne(3, predicted));
  assert.deepEqual(near, [true, true, true, false]);
});
