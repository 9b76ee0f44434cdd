// Reduction decides which two sums of a lease are added next; other threads do the additions. It uses the tree of
// @lockstep/numerics, whose TreeSum does the additions itself. Pure.
import { childrenOf, isNode, parentOf, type TreeNode } from "@lockstep/numerics";

/** The caller computes into += from, and then completes `parent` with `into`. It may reuse `from` then. */
export interface Addition<T> {
  readonly parent: TreeNode;
  readonly into: T;
  readonly from: T;
}

interface Done<T> {
  readonly count: number;
  readonly value: T;
}

export class Reduction<T> {
  readonly #numMicroBatches: number;
  readonly #whole: TreeNode;
  /** Sums whose sibling is not complete yet, by first micro-batch. */
  readonly #done = new Map<number, Done<T>>();

  /**
   * @param numMicroBatches the number of leaves of the whole tree
   * @param whole the node to sum
   * @throws RangeError if `whole` is not a node of the tree
   */
  constructor(numMicroBatches: number, whole: TreeNode) {
    if (!isNode(whole.first, whole.count, numMicroBatches)) {
      throw new RangeError(
        `micro-batches ${whole.first}+${whole.count} are not a node of the tree over ${numMicroBatches}`,
      );
    }
    this.#numMicroBatches = numMicroBatches;
    this.#whole = whole;
  }

  /**
   * Takes the sum of a node. Returns the addition that is possible now, or null. After the addition the caller calls
   * complete() with its parent.
   * @throws Error if the node was completed before
   */
  complete(node: TreeNode, value: T): Addition<T> | null {
    if (this.#done.has(node.first)) throw new Error(`micro-batches ${node.first}+${node.count} were summed before`);
    this.#done.set(node.first, { count: node.count, value });
    if (node.first === this.#whole.first && node.count === this.#whole.count) return null;
    const parent = parentOf(node, this.#numMicroBatches);
    const children = parent && childrenOf(parent, this.#numMicroBatches);
    if (parent === undefined || children === undefined) throw new Error("a node below the lease's has no parent");
    const [left, right] = children;
    const into = this.#at(left);
    const from = this.#at(right);
    if (into === undefined || from === undefined) return null;
    this.#done.delete(left.first);
    this.#done.delete(right.first);
    return { parent, into: into.value, from: from.value };
  }

  /** The sum of the whole lease; undefined until it is complete. */
  root(): T | undefined {
    return this.#at(this.#whole)?.value;
  }

  /** The sums that are not added yet: the caller frees them when the lease is dropped. */
  waiting(): T[] {
    return [...this.#done.values()].map(({ value }) => value);
  }

  #at(node: TreeNode): Done<T> | undefined {
    const done = this.#done.get(node.first);
    return done?.count === node.count ? done : undefined;
  }
}
