// Owns which two sums of a lease may be added next, when additions are done elsewhere and take time. The tree is that
// of @lockstep/numerics; its TreeSum adds at once, this one hands out the additions. Pure.
import { childrenOf, isNode, parentOf, type TreeNode } from "@lockstep/numerics";

/** into += from; then `parent` is done with `into` as its value, and `from` is free. */
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
  /** Sums that wait for their siblings, by first micro-batch. */
  readonly #done = new Map<number, Done<T>>();

  /** V leaves in the whole tree; `whole` is the node to sum. */
  constructor(numMicroBatches: number, whole: TreeNode) {
    if (!isNode(whole.first, whole.count, numMicroBatches)) {
      throw new RangeError(
        `micro-batches ${whole.first}+${whole.count} are no node of the tree over ${numMicroBatches}`,
      );
    }
    this.#numMicroBatches = numMicroBatches;
    this.#whole = whole;
  }

  /** Takes a node's sum: the addition that it makes possible, or null. The caller reports that one's parent in turn. */
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

  /** The lease's sum; undefined until it is complete. */
  root(): T | undefined {
    return this.#at(this.#whole)?.value;
  }

  /** Sums that wait: what is left over when the lease is given up. */
  waiting(): T[] {
    return [...this.#done.values()].map(({ value }) => value);
  }

  #at(node: TreeNode): Done<T> | undefined {
    const done = this.#done.get(node.first);
    return done?.count === node.count ? done : undefined;
  }
}
