// Owns the sum over the fixed tree: contributions come in any order, and any of them may already be the sum of a whole
// subtree; the result has the same bits, as additions happen only between siblings, left += right. Nothing is counted
// twice: a node is refused when any of its leaves was covered before.
import { childrenOf, decompose, parentOf, requireNode, type TreeNode } from "./tree.js";

interface Part<T> {
  readonly count: number;
  readonly value: T;
}

export class TreeSum<T> {
  /** Leaves of the whole tree. */
  readonly numLeaves: number;
  /** What this sum is of: the tree's root, or the subtree that it was made for. */
  readonly whole: TreeNode;
  readonly #add: (into: T, from: T) => void;
  /** 1 for each leaf of `whole` that was covered. */
  readonly #covered: Uint8Array;
  /** Disjoint sums that wait for their siblings, by first leaf. */
  readonly #parts = new Map<number, Part<T>>();

  /**
   * V: leaves of the whole tree. add: into += from; it may recycle `from`, which is not used afterwards. whole: the
   * subtree to sum, for one who sums a part of the tree; the whole tree unless given.
   */
  constructor(V: number, add: (into: T, from: T) => void, whole: TreeNode = { first: 0, count: V }) {
    requireNode(whole, V);
    this.numLeaves = V;
    this.whole = whole;
    this.#add = add;
    this.#covered = new Uint8Array(whole.count);
  }

  /**
   * Takes a node's sum; an accepted value belongs to the TreeSum and is changed by it. "duplicate": the node, an
   * ancestor or a descendant was accepted before, and the value stays the caller's. Throws RangeError for what is no
   * node of the tree, or lies outside `whole`.
   */
  add(node: TreeNode, value: T): "accepted" | "duplicate" {
    requireNode(node, this.numLeaves);
    const start = node.first - this.whole.first;
    const end = start + node.count;
    if (start < 0 || end > this.whole.count) {
      throw new RangeError(
        `${node.count} micro-batches from ${node.first} lie outside ${this.whole.count} from ${this.whole.first}`,
      );
    }
    if (this.#covered.subarray(start, end).includes(1)) return "duplicate";
    this.#covered.fill(1, start, end);
    this.#parts.set(node.first, { count: node.count, value });
    this.#mergeUpFrom(node);
    return "accepted";
  }

  /** The fewest nodes that are still wanted, ascending; none when the sum is complete. */
  missing(): TreeNode[] {
    const nodes: TreeNode[] = [];
    let start = this.#covered.indexOf(0);
    while (start >= 0) {
      const next = this.#covered.indexOf(1, start);
      const end = next < 0 ? this.whole.count : next;
      nodes.push(...decompose(this.whole.first + start, end - start, this.numLeaves));
      start = this.#covered.indexOf(0, end);
    }
    return nodes;
  }

  /** The sum, once every leaf is covered; undefined before. */
  root(): T | undefined {
    const part = this.#parts.get(this.whole.first);
    return part?.count === this.whole.count ? part.value : undefined;
  }

  #mergeUpFrom(node: TreeNode): void {
    let merged = node;
    while (merged.count < this.whole.count) {
      const parent = parentOf(merged, this.numLeaves);
      const children = parent && childrenOf(parent, this.numLeaves);
      if (!children) return;
      const [left, right] = children.map((child) => this.#part(child));
      if (!left || !right) return;
      this.#add(left.value, right.value);
      this.#parts.delete(children[1].first);
      this.#parts.set(parent.first, { count: parent.count, value: left.value });
      merged = parent;
    }
  }

  #part(node: TreeNode): Part<T> | undefined {
    const part = this.#parts.get(node.first);
    return part?.count === node.count ? part : undefined;
  }
}
