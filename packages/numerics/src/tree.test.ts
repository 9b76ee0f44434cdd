import assert from "node:assert/strict";
import { test } from "node:test";
import { childrenOf, decompose, isNode, parentOf, type TreeNode } from "./tree.js";

const sizes = Array.from({ length: 40 }, (_, i) => i + 1);

/** All nodes by their definition: (level, index) covers [index * 2^level, min((index + 1) * 2^level, V)). */
function nodesByDefinition(V: number): Map<string, TreeNode> {
  const nodes = new Map<string, TreeNode>();
  for (let span = 1; ; span *= 2) {
    for (let first = 0; first < V; first += span) {
      const count = Math.min(first + span, V) - first;
      nodes.set(`${first}+${count}`, { first, count });
    }
    if (span >= V) return nodes;
  }
}

test("isNode agrees with the definition for every range", () => {
  for (const V of sizes) {
    const nodes = nodesByDefinition(V);
    for (let first = 0; first <= V; first += 1) {
      for (let count = 0; count <= V + 1; count += 1) {
        assert.equal(isNode(first, count, V), nodes.has(`${first}+${count}`), `V ${V}: ${first}+${count}`);
      }
    }
  }
});

test("a node's parent is the smallest larger node that covers it, and each is a child of its parent", () => {
  for (const V of sizes) {
    const nodes = [...nodesByDefinition(V).values()];
    for (const node of nodes) {
      const covers = (other: TreeNode) =>
        other.first <= node.first && other.first + other.count >= node.first + node.count && other.count > node.count;
      const expected = nodes.filter(covers).sort((a, b) => a.count - b.count)[0];
      const parent = parentOf(node, V);
      assert.deepEqual(parent, expected);
      if (parent)
        assert.ok(childrenOf(parent, V)?.some((child) => child.first === node.first && child.count === node.count));
    }
  }
});

test("the children of a node are nodes that cover it, left before right", () => {
  for (const V of sizes) {
    for (const node of nodesByDefinition(V).values()) {
      const children = childrenOf(node, V);
      assert.equal(children === undefined, node.count === 1);
      if (!children) continue;
      const [left, right] = children;
      assert.ok(isNode(left.first, left.count, V) && isNode(right.first, right.count, V));
      assert.deepEqual(
        [left.first, left.first + left.count, right.first + right.count],
        [node.first, right.first, node.first + node.count],
      );
      assert.ok(left.count >= right.count);
    }
  }
});

test("decompose covers a range with the fewest nodes, in order", () => {
  for (const V of [1, 2, 5, 8, 13, 17]) {
    for (let first = 0; first <= V; first += 1) {
      for (let count = 0; first + count <= V; count += 1) {
        const nodes = decompose(first, count, V);
        assert.deepEqual(nodes.flatMap(leavesOf), leavesOf({ first, count }));
        assert.ok(nodes.every((node) => isNode(node.first, node.count, V)));
        assert.equal(nodes.length, fewestNodes(first, count, V), `V ${V}: ${first}+${count}`);
      }
    }
  }
});

test("ranges outside the tree, and ranges that are not a node, are refused", () => {
  assert.throws(() => decompose(3, 3, 5), /3 micro-batches from 3 are not within 0..4/);
  assert.throws(() => decompose(-1, 1, 5), RangeError);
  assert.throws(() => parentOf({ first: 1, count: 2 }, 8), /2 micro-batches from 1 are not a node of the tree over 8/);
});

function leavesOf({ first, count }: TreeNode): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

/** By dynamic programming over all partitions of the range. */
function fewestNodes(first: number, count: number, V: number): number {
  const best = [0];
  for (let length = 1; length <= count; length += 1) {
    const ways = best.flatMap((needed, shorter) => (isNode(first + shorter, length - shorter, V) ? [needed + 1] : []));
    best.push(Math.min(...ways));
  }
  return best[count] ?? 0;
}
