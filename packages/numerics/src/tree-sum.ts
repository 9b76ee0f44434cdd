// Adds contributions over the fixed tree with `TreeSum`. Contributions come in any order, and each may be the sum of a whole
// subtree. The result always has the same bits, because only siblings are added, left += right. Nothing is counted twice: a
// node is refused when one of its leaves was covered before.
import { childrenOf, decompose, parentOf, requireNode, type TreeNode } from "./tree.js";

interface Part<T> {
  readonly count: number;
  readonly value: T;
}

/** The sum of the values of all leaves of a tree, or of a subtree. */
export class TreeSum<T> {
  /** Number of leaves of the whole tree. */
  readonly numLeaves: number;
  /** The node whose sum this is: the tree's root, or the root of a subtree. */
  readonly whole: TreeNode;
  readonly #add: (into: T, from: T) => void;
  /** 1 for each leaf of `whole` that an accepted node covers. */
  readonly #covered: Uint8Array;
  /** Sums whose siblings are missing, by first leaf. They do not overlap. */
  readonly #parts = new Map<number, Part<T>>();

  /**
   * @param V number of leaves of the whole tree
   * @param add computes into += from. It may reuse the memory of `from`, which is not used afterwards.
   * @param whole the root of the subtree to sum; default: the whole tree
   */
  constructor(V: number, add: (into: T, from: T) => void, whole: TreeNode = { first: 0, count: V }) {
    requireNode(whole, V);
    this.numLeaves = V;
    this.whole = whole;
    this.#add = add;
    this.#covered = new Uint8Array(whole.count);
  }

  /**
   * Adds a node's sum. An accepted value belongs to the TreeSum, which changes it.
   * @returns "duplicate" when the node, an ancestor or a descendant was accepted before; the value still belongs to the caller
   * @throws RangeError if the node is not a node of the tree, or is outside of `whole`
   */
  add(node: TreeNode, value: T): "accepted" | "duplicate" {
    requireNode(node, this.numLeaves);
    const start = node.first - this.whole.first;
    const end = start + node.count;
    if (start < 0 || end > this.whole.count) {
      throw new RangeError(
        `${node.count} micro-batches from ${node.first} are not within the ${this.whole.count} from ${this.whole.first}`,
      );
    }
    if (this.#covered.subarray(start, end).includes(1)) return "duplicate";
    this.#covered.fill(1, start, end);
    this.#parts.set(node.first, { count: node.count, value });
    this.#mergeUpFrom(node);
    return "accepted";
  }

  /** The fewest nodes that cover the missing leaves, ascending; empty when the sum is complete. */
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

  /** The sum when every leaf is covered; undefined before. */
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
