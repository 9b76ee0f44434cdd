// computeLease() computes one lease: it loads the micro-batches ahead, spreads them over the compute threads, and adds
// their sums over the fixed tree. The bits depend neither on the number of threads nor on the order in which they end.
import { addInto, type TreeNode } from "@lockstep/numerics";
import { type MicroBatchProof, Pass } from "@lockstep/protocol";
import type { BatchLoader } from "./batch-loader.js";
import type { ComputeThreads } from "./compute-threads.js";
import { Reduction } from "./reduction.js";
import type { SampleSource, Work } from "./sample-source.js";
import type { SharedBuffer, SharedBufferPool } from "./shared-buffers.js";

/** The parts of a worker that compute leases. */
export interface ComputeContext {
  readonly source: SampleSource;
  readonly loader: BatchLoader;
  readonly threads: Pick<ComputeThreads, "compute" | "add">;
  /** Buffers for the pixels of one micro-batch each. The pool's limit is the number of micro-batches loaded ahead. */
  readonly pixels: SharedBufferPool;
  /** Buffers for flat arrays: contributions, sums of them, and weights. */
  readonly contributions: SharedBufferPool;
}

export interface LeaseWeights {
  readonly buffer: SharedBuffer;
  readonly version: number;
}

/** Seconds of all threads together: more than the elapsed time when several threads were busy. */
export interface LeaseSeconds {
  load: number;
  /** The sum of forward and backward. */
  compute: number;
  forward: number;
  backward: number;
  sum: number;
}

export interface LeaseSum {
  /** The recipe's metric sums. */
  readonly sums: Float64Array;
  /** The flat sum; null for a validation lease. The caller gives the buffer back to the pool of contributions. */
  readonly tensors: SharedBuffer | null;
  /** One for each micro-batch, ascending. */
  readonly proofs: MicroBatchProof[];
  readonly seconds: LeaseSeconds;
}

interface NodeSum {
  readonly sums: Float64Array;
  readonly tensors: SharedBuffer | null;
}

/**
 * Settles only after all work for the lease has ended. When it rejects, it has given all buffers back.
 * @throws `signal.reason` if the signal is aborted
 * @throws the first error of a micro-batch, for example of an image that cannot be read
 */
export async function computeLease(
  context: ComputeContext,
  options: { readonly work: Work; readonly weights: LeaseWeights; readonly signal: AbortSignal },
): Promise<LeaseSum> {
  const computation = new LeaseComputation(context, options);
  return computation.run();
}

class LeaseComputation {
  readonly #context: ComputeContext;
  readonly #work: Work;
  readonly #weights: LeaseWeights;
  readonly #reduction: Reduction<NodeSum>;
  readonly #proofs = new Map<number, MicroBatchProof>();
  readonly #seconds: LeaseSeconds = { load: 0, compute: 0, forward: 0, backward: 0, sum: 0 };
  /** Aborted by the first error, so that the lease's other micro-batches stop too. */
  readonly #failure = new AbortController();
  readonly #signal: AbortSignal;

  constructor(context: ComputeContext, options: { work: Work; weights: LeaseWeights; signal: AbortSignal }) {
    const { work, weights, signal } = options;
    this.#context = context;
    this.#work = work;
    this.#weights = weights;
    this.#reduction = new Reduction(work.numMicroBatches, { first: work.firstMicroBatch, count: work.count });
    this.#signal = AbortSignal.any([signal, this.#failure.signal]);
  }

  async run(): Promise<LeaseSum> {
    const { pixels, contributions } = this.#context;
    const { firstMicroBatch, count } = this.#work;
    const microBatches: Promise<void>[] = [];
    for (let index = firstMicroBatch; index < firstMicroBatch + count; index++) {
      const buffer = await pixels.take(this.#signal).catch(() => null); // aborted: handled below
      if (buffer === null) break;
      microBatches.push(this.#microBatch(index, buffer).catch((error) => this.#failure.abort(error)));
    }
    await Promise.all(microBatches);
    const whole = this.#reduction.root();
    if (this.#signal.aborted || whole === undefined) {
      for (const { tensors } of this.#reduction.waiting()) if (tensors !== null) contributions.give(tensors);
      this.#signal.throwIfAborted();
      throw new Error("a lease ended without its sum");
    }
    const proofs = [...this.#proofs.values()].sort((a, b) => a.microBatch - b.microBatch);
    return { sums: whole.sums, tensors: whole.tensors, proofs, seconds: this.#seconds };
  }

  async #microBatch(microBatch: number, pixels: SharedBuffer): Promise<void> {
    let sum: NodeSum;
    try {
      sum = await this.#compute(microBatch, pixels);
    } finally {
      this.#context.pixels.give(pixels);
    }
    await this.#reduce({ first: microBatch, count: 1 }, sum);
  }

  async #compute(microBatch: number, pixels: SharedBuffer): Promise<NodeSum> {
    const { source, loader, threads, contributions } = this.#context;
    const { key, samples, positions } = source.batch(this.#work, microBatch);
    const { loadSeconds } = await loader.load(samples, pixels);
    const isTraining = this.#work.pass === Pass.TRAIN;
    const tensors = isTraining ? await contributions.take(this.#signal) : null;
    try {
      const result = await threads.compute(
        {
          kind: "micro-batch",
          pass: isTraining ? "train" : "validate",
          ...{ key, samples, positions, pixels },
          constants: source.constants(this.#work),
          weights: this.#weights.buffer,
          weightsVersion: this.#weights.version,
          out: tensors,
        },
        this.#signal,
      );
      const { sums, digest, finite, computeSeconds, forwardSeconds, sumSeconds } = result;
      this.#seconds.load += loadSeconds;
      this.#seconds.compute += computeSeconds;
      this.#seconds.forward += forwardSeconds;
      this.#seconds.backward += computeSeconds - forwardSeconds;
      this.#seconds.sum += sumSeconds;
      this.#proofs.set(microBatch, { microBatch, digest, finite, numSamples: samples.length });
      return { sums, tensors };
    } catch (error) {
      if (tensors !== null) contributions.give(tensors);
      throw error;
    }
  }

  /** Adds upwards in the tree until a sibling's sum is missing. */
  async #reduce(node: TreeNode, sum: NodeSum): Promise<void> {
    let next = this.#reduction.complete(node, sum);
    while (next !== null) {
      const { parent, into, from } = next;
      try {
        await this.#addTensors(into, from);
      } catch (error) {
        if (into.tensors !== null) this.#context.contributions.give(into.tensors);
        throw error;
      } finally {
        if (from.tensors !== null) this.#context.contributions.give(from.tensors);
      }
      addInto(into.sums, from.sums);
      next = this.#reduction.complete(parent, into);
    }
  }

  async #addTensors({ tensors: into }: NodeSum, { tensors: from }: NodeSum): Promise<void> {
    if (into === null || from === null) return; // a validation pass has metric sums only
    const { sumSeconds } = await this.#context.threads.add({ kind: "addition", into, from }, this.#signal);
    this.#seconds.sum += sumSeconds;
  }
}
