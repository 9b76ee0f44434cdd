// Holds the weights, the optimizer's state and the epoch's metric sums of a run, and applies the update of each step in
// place: `TrainingState`.
import type { Snapshot } from "@lockstep/checkpoint";
import {
  allFinite,
  clippingFactor,
  createOptimizer,
  globalNorm,
  learningRateAt,
  type Optimizer,
  type OptimizerState,
  updateStatistics,
} from "@lockstep/numerics";
import {
  evaluateMetrics,
  float32Bytes,
  type PlacedTensor,
  type RunDescription,
  type TensorLayout,
  weightsSha256,
  xxh3Digest,
} from "@lockstep/protocol";
import type { Contribution } from "./pass-sums.js";

export interface Update {
  readonly learningRate: number;
  /** Global L2 norm before clipping. */
  readonly gradientNorm: number;
}

/** The parts of a snapshot that are copies of this state. */
export type StateCopy = Pick<Snapshot, "weights" | "optimizerState" | "epochSums" | "epochSamples">;

/** The gradient of a step, or the result of its update, has a NaN or an infinity. */
export class NotFiniteUpdate extends Error {
  override readonly name = "NotFiniteUpdate";
}

/** The part of TrainingState that the conductor uses. Its update may be asynchronous. */
export interface Training extends Pick<TrainingState, Exclude<keyof TrainingState, "apply" | "weights">> {
  apply(...step: Parameters<TrainingState["apply"]>): Update | Promise<Update>;
}

export interface TrainingStateOptions {
  readonly run: RunDescription;
  readonly layout: TensorLayout;
  readonly totalSteps: number;
  /** The state takes ownership. */
  readonly weights: Float32Array;
  readonly optimizerState: readonly OptimizerState[];
  readonly epochSums: readonly number[];
  readonly epochSamples: number;
}

export class TrainingState {
  /** Values in the order of the flat layout. apply() changes them in place. */
  readonly weights: Float32Array;
  readonly #run: RunDescription;
  readonly #layout: TensorLayout;
  readonly #totalSteps: number;
  readonly #optimizer: Optimizer;
  /** One value for each element of a statistic. */
  readonly #momentum: Float32Array;
  /** Metric sums over the epoch's steps. Where #isMean is true, each step is weighted by its number of samples. */
  readonly #epochSums: Float64Array;
  #epochSamples: number;
  /** True for a metric sum that is a mean over its step already, for example a loss. */
  readonly #isMean: readonly boolean[];

  constructor(options: TrainingStateOptions) {
    const { run, layout } = options;
    this.#run = run;
    this.#layout = layout;
    this.#totalSteps = options.totalSteps;
    this.weights = options.weights;
    this.#optimizer = createOptimizer(run.spec.optimizer, layout);
    // The checkpoint of step 0 may have no optimizer state: it is zero then.
    if (options.optimizerState.length > 0) this.#optimizer.restore(options.optimizerState);
    const statistics = layout.tensors.filter(({ kind }) => kind === "statistic");
    this.#momentum = new Float32Array(layout.numStatistics);
    for (const { offset, size, momentum } of statistics) {
      const start = offset - layout.numParameters;
      this.#momentum.fill(momentum ?? 0, start, start + size);
    }
    this.#epochSums = new Float64Array(run.sumNames.length);
    this.#epochSums.set(options.epochSums);
    this.#epochSamples = options.epochSamples;
    const means = new Set(run.metrics.filter(({ denominator }) => denominator === null).map((m) => m.numerator));
    this.#isMean = run.sumNames.map((name) => means.has(name));
  }

  /**
   * Updates the weights by the optimizer, then the statistics.
   * @throws NotFiniteUpdate if a gradient or a result is not finite. The state must not be used after that.
   */
  apply(sum: Contribution, { step, numSamples }: { readonly step: number; readonly numSamples: number }): Update {
    const { spec } = this.#run;
    const { numParameters } = this.#layout;
    if (sum.values === null) throw new Error("a training step's sum has no gradients");
    const gradient = sum.values.subarray(0, numParameters);
    const gradientNorm = globalNorm(gradient);
    if (!Number.isFinite(gradientNorm)) {
      throw new NotFiniteUpdate(
        `step ${step}: the gradient's norm is ${gradientNorm}; lower the learning rate or clip the gradient`,
      );
    }
    const learningRate = learningRateAt(spec.schedule, step, this.#totalSteps, spec.optimizer.learningRate);
    this.#optimizer.step({
      weights: this.weights.subarray(0, numParameters),
      gradient,
      stepIndex: step,
      learningRate,
      gradientScale: clippingFactor(gradientNorm, spec.optimizer.clipNorm),
    });
    if (this.#layout.numStatistics > 0) {
      updateStatistics({
        running: this.weights.subarray(numParameters),
        sum: sum.values.subarray(numParameters),
        momentum: this.#momentum,
        totalCount: numSamples,
      });
    }
    this.#requireFinite(step);
    for (const [index, value] of sum.sums.entries()) {
      const weighted = this.#isMean[index] === true ? value * numSamples : value;
      this.#epochSums[index] = (this.#epochSums[index] ?? 0) + weighted;
    }
    this.#epochSamples += numSamples;
    return { learningRate, gradientNorm };
  }

  /**
   * A finite gradient may still overflow in the update: the learning rate is too high, or a sum of squares overflows.
   */
  #requireFinite(step: number): void {
    const results = [
      { of: "", values: this.weights },
      ...this.#optimizer.state.map(({ name, values }) => ({ of: `the optimizer's ${name} of `, values })),
    ];
    for (const { of, values } of results) {
      if (allFinite(values)) continue;
      const isNotFinite = ({ offset, size }: PlacedTensor): boolean =>
        !allFinite(values.subarray(offset, offset + size));
      const tensor = this.#layout.tensors.find(isNotFinite)?.name ?? "unknown";
      const count = values.reduce((sum, value) => sum + (Number.isFinite(value) ? 0 : 1), 0);
      throw new NotFiniteUpdate(
        `step ${step}: the update made ${count} of ${values.length} values NaN or infinite, the first in ${of}tensor ${tensor}; ` +
          `train with a learning rate below ${this.#run.spec.optimizer.learningRate}, or clip the gradient`,
      );
    }
  }

  metricsOf(sums: Float64Array): Record<string, number> {
    return evaluateMetrics(this.#run.metrics, this.#run.sumNames, sums);
  }

  /**
   * Metrics of the epoch's training steps so far, or null before the first step. Losses are means weighted by samples.
   */
  epochMetrics(): Record<string, number> | null {
    if (this.#epochSamples === 0) return null;
    return this.metricsOf(
      this.#epochSums.map((sum, index) => (this.#isMean[index] === true ? sum / this.#epochSamples : sum)),
    );
  }

  startEpoch(): void {
    this.#epochSums.fill(0);
    this.#epochSamples = 0;
  }

  /** XXH3-128 (hex) of the weights, as leases have it. */
  digest(): string {
    return xxh3Digest(float32Bytes(this.weights));
  }

  weightsSha256(): string {
    return weightsSha256(this.#layout, this.weights);
  }

  weightsBytes(): Uint8Array {
    return float32Bytes(this.weights);
  }

  /** Copies of the state. The caller owns them. */
  copy(): StateCopy {
    return {
      weights: this.weights.slice(),
      optimizerState: this.#optimizer.state.map(({ name, values }) => ({ name, values: values.slice() })),
      epochSums: [...this.#epochSums],
      epochSamples: this.#epochSamples,
    };
  }
}
