import assert from "node:assert/strict";
import { test } from "node:test";
import { ageMidpoints, fairfaceClasses } from "@lockstep/dataset";
import { ageBinOf, ageErrors, constantAgeErrors, midpointOf, withinOneBin } from "./age.js";

test("every midpoint lies in its own bin", () => {
  ageMidpoints.forEach((years, bin) => {
    assert.equal(ageBinOf(years), bin);
    assert.equal(midpointOf(bin), years);
  });
});

test("bins end at whole years: 2.9 is still 0-2, 3 is 3-9, 69.9 is 60-69", () => {
  const bins = [-4, 0, 2.9, 3, 9.99, 10, 19.5, 20, 69.9, 70, 130].map(
    (years) => fairfaceClasses.ageBin[ageBinOf(years)],
  );
  assert.deepEqual(bins, [
    "0-2",
    "0-2",
    "0-2",
    "3-9",
    "3-9",
    "10-19",
    "10-19",
    "20-29",
    "60-69",
    "more than 70",
    "more than 70",
  ]);
});

test("a predicted age that is no number is refused", () => {
  assert.throws(() => ageBinOf(Number.NaN), /NaN/);
});

test("errors are the mean absolute one and the root of the mean square", () => {
  assert.deepEqual(ageErrors([10, 20, 30], [13, 20, 26]), { mae: 7 / 3, rmse: Math.sqrt(25 / 3) });
});

test("the constant floors use the median for the MAE and the mean for the RMSE", () => {
  // Median 6 (lower middle of 6 and 24.5), mean 26.5.
  const { mae, rmse } = constantAgeErrors([1, 6, 24.5, 74.5]);
  assert.equal(mae, (5 + 0 + 18.5 + 68.5) / 4);
  assert.ok(Math.abs(rmse - Math.sqrt((25.5 ** 2 + 20.5 ** 2 + 2 ** 2 + 48 ** 2) / 4)) < 1e-12);
});

test("within one bin counts neighbours", () => {
  assert.equal(withinOneBin([3, 3, 3, 3], [3, 4, 2, 5]), 3 / 4);
});
