// Owns the sums of the pass under way: gradients and statistics (training) and metric sums, over the fixed tree, and
// who contributed what, for the ledger and the metrics.
import { addInto, type TreeNode, TreeSum } from "@lockstep/numerics";
import type { MicroBatchProof, PhaseSeconds } from "@lockstep/protocol";
import type { PassKind } from "../core/run-plan.js";
import type { BufferPool } from "./buffer-pool.js";

export interface Contribution {
  /** Gradients, then statistics times their sample count; from the pool. Null for a validation pass. */
  readonly values: Float32Array | null;
  /** The recipe's metric sums. */
  readonly sums: Float64Array;
}

/** One accepted lease. */
export interface Contributor {
  readonly slot: number;
  /** Of the slot. */
  readonly generation: number;
  readonly node: TreeNode;
  readonly proofs: readonly MicroBatchProof[];
  readonly phaseSeconds: PhaseSeconds;
  readonly computeThreads: number;
  /** Clock of the core, milliseconds. */
  readonly grantedAtMs: number;
  /** When the sum's header came, and when all of it was there. */
  readonly uploadStartedAtMs: number;
  readonly receivedAtMs: number;
}

export class PassSums {
  readonly kind: PassKind;
  readonly contributors: Contributor[] = [];
  bytesReceived = 0;
  bytesSent = 0;
  readonly #pool: BufferPool;
  readonly #tree: TreeSum<Contribution>;
  /** Buffers that the tree holds. */
  readonly #held = new Set<Float32Array>();

  constructor(kind: PassKind, options: { readonly numMicroBatches: number; readonly pool: BufferPool }) {
    this.kind = kind;
    this.#pool = options.pool;
    this.#tree = new TreeSum(options.numMicroBatches, (into, from) => {
      addInto(into.sums, from.sums);
      if (into.values === null || from.values === null) return;
      addInto(into.values, from.values);
      this.#release(from.values);
    });
  }

  /** "accepted": the contribution's buffer belongs to the sum. "duplicate": it stays the caller's. */
  add(contributor: Contributor, contribution: Contribution): "accepted" | "duplicate" {
    // Held before it is added: adding may merge it away at once.
    if (contribution.values !== null) this.#held.add(contribution.values);
    const result = this.#tree.add(contributor.node, contribution);
    if (result === "accepted") this.contributors.push(contributor);
    else if (contribution.values !== null) this.#held.delete(contribution.values);
    return result;
  }

  /** The whole pass' sum; throws when a part is missing. Valid until dispose(). */
  root(): Contribution {
    const root = this.#tree.root();
    if (root === undefined) throw new Error(`the sum lacks ${JSON.stringify(this.#tree.missing())}`);
    return root;
  }

  get numSamples(): number {
    return this.contributors.reduce(
      (sum, { proofs }) => sum + proofs.reduce((samples, { numSamples }) => samples + numSamples, 0),
      0,
    );
  }

  /** Gives every buffer back to the pool. */
  dispose(): void {
    for (const values of [...this.#held]) this.#release(values);
  }

  #release(values: Float32Array): void {
    this.#held.delete(values);
    this.#pool.give(values);
  }
}
