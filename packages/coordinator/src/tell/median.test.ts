import assert from "node:assert/strict";
import { test } from "node:test";
import { median, warmSteps } from "./median.js";

test("median returns the middle value, and warmSteps leaves out the first ten steps if there are more", () => {
  assert.equal(median([]), null);
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.deepEqual(warmSteps([1, 2]), [1, 2]);
  assert.deepEqual(warmSteps(Array.from({ length: 12 }, (_, index) => index)), [10, 11]);
});
