import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bestOf, stepsToDelete } from "./retention.js";

const checkpoints = (losses: (number | null)[]) => losses.map((validationLoss, step) => ({ step, validationLoss }));

describe("stepsToDelete", () => {
  it("keeps the last N by step, in whatever order the list is", () => {
    const list = checkpoints([null, null, null, null, null]).reverse();
    assert.deepEqual(stepsToDelete(list, { keepLast: 2, keepBest: true }), [0, 1, 2]);
  });

  it("keeps the one with the lowest validation loss too", () => {
    const list = checkpoints([3, 1, 2, null, 4, null]);
    assert.deepEqual(stepsToDelete(list, { keepLast: 2, keepBest: true }), [0, 2, 3]);
    assert.deepEqual(stepsToDelete(list, { keepLast: 2, keepBest: false }), [0, 1, 2, 3]);
  });

  it("keeps all while there are no more than N", () => {
    assert.deepEqual(stepsToDelete(checkpoints([1, 2]), { keepLast: 3, keepBest: true }), []);
  });

  it("never deletes the only one", () => {
    assert.deepEqual(stepsToDelete(checkpoints([null]), { keepLast: 1, keepBest: false }), []);
  });
});

describe("bestOf", () => {
  it("chooses the later of two equal losses", () => {
    assert.equal(bestOf(checkpoints([2, 1, 1, 3]))?.step, 2);
  });

  it("never chooses a NaN, and returns null when nothing was validated", () => {
    assert.equal(bestOf(checkpoints([Number.NaN, 5, Number.NaN]))?.step, 1);
    assert.equal(bestOf(checkpoints([null, Number.NaN])), null);
  });
});
