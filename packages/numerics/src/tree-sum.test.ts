import assert from "node:assert/strict";
import { test } from "node:test";
import { CounterRandom, permutation, randomDomain } from "./counter-random.js";
import { bitsOf, plainFloats } from "./test-floats.js";
import { childrenOf, decompose, type TreeNode } from "./tree.js";
import { TreeSum } from "./tree-sum.js";
import { addInto } from "./vector.js";

const width = 5;
const sizes = Array.from({ length: 17 }, (_, i) => i + 1);
const leaf = (index: number): Float32Array => plainFloats(width, index);

/** The sum by its recursive definition. */
function sumByDefinition(node: TreeNode, V: number): Float32Array {
  const children = childrenOf(node, V);
  if (!children) return leaf(node.first);
  const [left, right] = children.map((child) => sumByDefinition(child, V)) as [Float32Array, Float32Array];
  addInto(left, right);
  return left;
}

/** Every partition of a node into nodes. */
function partitions(node: TreeNode, V: number): TreeNode[][] {
  const children = childrenOf(node, V);
  if (!children) return [[node]];
  const [left, right] = children;
  const rights = partitions(right, V);
  return [[node], ...partitions(left, V).flatMap((head) => rights.map((tail) => [...head, ...tail]))];
}

function shuffled<T>(items: readonly T[], stream: number): T[] {
  const order = permutation(new CounterRandom(1, randomDomain.scheduling, stream), items.length);
  return Array.from(order, (index) => items[index] as T); // a permutation of the items' indices
}

function rootOf(sum: TreeSum<Float32Array>): Uint32Array {
  const root = sum.root();
  assert.ok(root);
  assert.deepEqual(sum.missing(), []);
  return bitsOf(root);
}

test("leaves added in random order give the same bits, for every V up to 17", () => {
  for (const V of sizes) {
    const expected = bitsOf(sumByDefinition({ first: 0, count: V }, V));
    for (let round = 0; round < 60; round += 1) {
      const sum = new TreeSum<Float32Array>(V, addInto);
      for (const { first, count } of shuffled(decomposedToLeaves(V), 100 * V + round)) {
        assert.equal(sum.root(), undefined);
        assert.equal(sum.add({ first, count }, leaf(first)), "accepted");
      }
      assert.deepEqual(rootOf(sum), expected, `V ${V}, round ${round}`);
    }
  }
});

test("all orders of addition give the same bits, for V up to 6", () => {
  for (const V of [1, 2, 3, 4, 5, 6]) {
    const expected = bitsOf(sumByDefinition({ first: 0, count: V }, V));
    for (const order of ordersOf(decomposedToLeaves(V))) {
      const sum = new TreeSum<Float32Array>(V, addInto);
      for (const node of order) sum.add(node, leaf(node.first));
      assert.deepEqual(rootOf(sum), expected);
    }
  }
});

test("every partition into nodes that were summed separately gives the same bits as leaf by leaf", () => {
  for (const V of sizes) {
    const whole = { first: 0, count: V };
    const expected = bitsOf(sumByDefinition(whole, V));
    for (const [index, nodes] of partitions(whole, V).entries()) {
      const sum = new TreeSum<Float32Array>(V, addInto);
      for (const node of shuffled(nodes, index)) assert.equal(sum.add(node, sumApart(node, V)), "accepted");
      assert.deepEqual(rootOf(sum), expected, `V ${V}: ${JSON.stringify(nodes)}`);
    }
  }
});

test("adding from left to right gives other bits than the tree", () => {
  const V = 17;
  const running = leaf(0);
  for (let index = 1; index < V; index += 1) addInto(running, leaf(index));
  assert.notDeepEqual(bitsOf(running), bitsOf(sumByDefinition({ first: 0, count: V }, V)));
});

test("an equal node, an ancestor and a descendant of an accepted node are duplicates and change nothing", () => {
  const V = 11;
  for (const accepted of allNodes(V)) {
    for (const second of allNodes(V)) {
      const sum = new TreeSum<Float32Array>(V, addInto);
      assert.equal(sum.add(accepted, sumApart(accepted, V)), "accepted");
      const overlaps = second.first < accepted.first + accepted.count && accepted.first < second.first + second.count;
      const value = sumApart(second, V);
      const before = bitsOf(value);
      assert.equal(sum.add(second, value), overlaps ? "duplicate" : "accepted");
      if (overlaps) assert.deepEqual(bitsOf(value), before);
      for (const node of sum.missing()) sum.add(node, sumApart(node, V));
      assert.deepEqual(rootOf(sum), bitsOf(sumByDefinition({ first: 0, count: V }, V)));
    }
  }
});

test("a completed sum refuses everything", () => {
  const sum = new TreeSum<Float32Array>(4, addInto);
  sum.add({ first: 0, count: 4 }, leaf(0));
  for (const node of allNodes(4)) assert.equal(sum.add(node, leaf(1)), "duplicate");
});

test("missing returns the fewest nodes that cover the missing leaves", () => {
  const sum = new TreeSum<Float32Array>(11, addInto);
  assert.deepEqual(sum.missing(), [{ first: 0, count: 11 }]);
  sum.add({ first: 5, count: 1 }, leaf(5));
  assert.deepEqual(sum.missing(), [
    { first: 0, count: 4 },
    { first: 4, count: 1 },
    { first: 6, count: 2 },
    { first: 8, count: 3 },
  ]);
  sum.add({ first: 8, count: 3 }, sumApart({ first: 8, count: 3 }, 11));
  assert.deepEqual(sum.missing(), [
    { first: 0, count: 4 },
    { first: 4, count: 1 },
    { first: 6, count: 2 },
  ]);
});

test("siblings merge as soon as both were added, the right one into the left", () => {
  const merges: string[] = [];
  const sum = new TreeSum<{ name: string }>(5, (into, from) => {
    merges.push(`${into.name}+${from.name}`);
    into.name += from.name;
  });
  for (const index of [3, 1, 4, 2, 0]) {
    merges.push(`leaf ${index}`);
    sum.add({ first: index, count: 1 }, { name: String(index) });
  }
  assert.deepEqual(merges, ["leaf 3", "leaf 1", "leaf 4", "leaf 2", "2+3", "leaf 0", "0+1", "01+23", "0123+4"]);
  assert.equal(sum.root()?.name, "01234");
});

test("a sum of a subtree stops at the subtree's root and refuses nodes outside of it", () => {
  const sum = new TreeSum<Float32Array>(8, addInto, { first: 4, count: 2 });
  assert.deepEqual(sum.missing(), [{ first: 4, count: 2 }]);
  assert.throws(() => sum.add({ first: 6, count: 1 }, leaf(6)), /1 micro-batches from 6 are not within the 2 from 4/);
  assert.throws(() => sum.add({ first: 4, count: 4 }, leaf(4)), RangeError);
  assert.throws(() => sum.add({ first: 5, count: 2 }, leaf(5)), /are not a node of the tree/);
  sum.add({ first: 5, count: 1 }, leaf(5));
  sum.add({ first: 4, count: 1 }, leaf(4));
  assert.deepEqual(rootOf(sum), bitsOf(sumByDefinition({ first: 4, count: 2 }, 8)));
});

function sumApart(node: TreeNode, V: number): Float32Array {
  const sum = new TreeSum<Float32Array>(V, addInto, node);
  for (let index = node.first; index < node.first + node.count; index += 1) {
    sum.add({ first: index, count: 1 }, leaf(index));
  }
  const root = sum.root();
  assert.ok(root);
  return root;
}

function decomposedToLeaves(V: number): TreeNode[] {
  return Array.from({ length: V }, (_, index) => decompose(index, 1, V)).flat();
}

function allNodes(V: number): TreeNode[] {
  const nodes: TreeNode[] = [];
  const visit = (node: TreeNode): void => {
    nodes.push(node);
    for (const child of childrenOf(node, V) ?? []) visit(child);
  };
  visit({ first: 0, count: V });
  return nodes;
}

function ordersOf<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) => ordersOf(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}
