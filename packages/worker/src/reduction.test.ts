import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type TreeNode, TreeSum } from "@lockstep/numerics";
import { Reduction } from "./reduction.js";

/** Replaces each addition by text that shows its operands. */
function reduced(numMicroBatches: number, whole: TreeNode, order: readonly number[]): string | undefined {
  const reduction = new Reduction<{ text: string }>(numMicroBatches, whole);
  for (const first of order) {
    let next = reduction.complete({ first, count: 1 }, { text: `${first}` });
    while (next !== null) {
      next.into.text = `(${next.into.text}+${next.from.text})`;
      next = reduction.complete(next.parent, next.into);
    }
  }
  return reduction.root()?.text;
}

describe("a lease's reduction", () => {
  it("adds the same pairs in any order of completion, left += right", () => {
    const whole = { first: 0, count: 5 };
    for (const order of [
      [0, 1, 2, 3, 4],
      [4, 3, 2, 1, 0],
      [2, 4, 0, 3, 1],
    ]) {
      assert.equal(reduced(5, whole, order), "(((0+1)+(2+3))+4)");
    }
  });

  it("adds the same pairs as TreeSum, for every tree of up to 20 leaves", () => {
    const add = (into: { text: string }, from: { text: string }) => {
      into.text = `(${into.text}+${from.text})`;
    };
    for (let total = 1; total <= 20; total++) {
      const sum = new TreeSum<{ text: string }>(total, add);
      for (let first = 0; first < total; first++) sum.add({ first, count: 1 }, { text: `${first}` });
      const backwards = Array.from({ length: total }, (_, index) => total - 1 - index);
      assert.equal(reduced(total, { first: 0, count: total }, backwards), sum.root()?.text);
    }
  });

  it("sums a subtree at the incomplete end of the tree", () => {
    assert.equal(reduced(7, { first: 4, count: 3 }, [6, 5, 4]), "((4+5)+6)");
  });

  it("refuses a range that is not a node, and a node that is completed twice", () => {
    assert.throws(() => new Reduction(5, { first: 1, count: 2 }), /not a node of the tree/);
    const reduction = new Reduction(2, { first: 0, count: 2 });
    reduction.complete({ first: 1, count: 1 }, "b");
    assert.throws(() => reduction.complete({ first: 1, count: 1 }, "b"), /summed before/);
    assert.equal(reduction.root(), undefined);
    assert.deepEqual(reduction.waiting(), ["b"]);
  });
});
