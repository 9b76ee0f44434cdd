// Adds the sums of the current pass over the fixed tree: `PassSums`. A training sum has gradients, statistics and
// metric sums, a validation sum only the latter. It also keeps which worker contributed which node, for the ledger and
// the metrics.
import { addInto, type TreeNode, TreeSum } from "@lockstep/numerics";
import type { MicroBatchProof, PhaseSeconds } from "@lockstep/protocol";
import type { PassKind } from "../core/run-plan.js";
import type { BufferPool } from "./buffer-pool.js";

export interface Contribution {
  /** Gradients, then statistics multiplied by their sample count, in a buffer of the pool. Null for a validation. */
  readonly values: Float32Array | null;
  /** The recipe's metric sums. */
  readonly sums: Float64Array;
}

/** An accepted lease. */
export interface Contributor {
  readonly slot: number;
  /** Generation of the worker in the slot. */
  readonly generation: number;
  readonly node: TreeNode;
  readonly proofs: readonly MicroBatchProof[];
  readonly phaseSeconds: PhaseSeconds;
  readonly computeThreads: number;
  /** Monotonic clock of the core, milliseconds. */
  readonly grantedAtMs: number;
  /** When the sum's header was received, on the same clock. */
  readonly uploadStartedAtMs: number;
  /** When the whole sum was received, on the same clock. */
  readonly receivedAtMs: number;
}

export class PassSums {
  readonly kind: PassKind;
  readonly contributors: Contributor[] = [];
  bytesReceived = 0;
  bytesSent = 0;
  readonly #pool: BufferPool;
  readonly #tree: TreeSum<Contribution>;
  /** Buffers in the tree. */
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

  /** "accepted": this object now owns the contribution's buffer. "duplicate": the caller still owns it. */
  add(contributor: Contributor, contribution: Contribution): "accepted" | "duplicate" {
    // Before the addition, because the tree may merge and release the buffer at once.
    if (contribution.values !== null) this.#held.add(contribution.values);
    const result = this.#tree.add(contributor.node, contribution);
    if (result === "accepted") this.contributors.push(contributor);
    else if (contribution.values !== null) this.#held.delete(contribution.values);
    return result;
  }

  /** The sum of the whole pass. Valid until dispose(). @throws Error if a part is missing */
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
