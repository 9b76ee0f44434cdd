// SampleSource determines the samples of each micro-batch, the denominators of a pass, and whether a lease fits the
// run's plan. Its results depend on its arguments alone; it caches the order of the last epoch and the constants.
import { createPlan, type PassPlan, type Plan, sampledOrder } from "@lockstep/dataset";
import { isNode } from "@lockstep/numerics";
import { type Lease, Pass, type RunSpec } from "@lockstep/protocol";
import type { MicroBatchKey, PassConstants, Recipe } from "@lockstep/recipe";

export interface BatchPlan {
  readonly key: MicroBatchKey;
  /** Indexes into the label table; B. */
  readonly samples: Uint32Array;
  /** Positions in the epoch, or in the validation part; B. */
  readonly positions: Uint32Array;
}

/** The fields of a lease that identify its work. */
export type Work = Pick<Lease, "pass" | "epoch" | "step" | "numMicroBatches" | "firstMicroBatch" | "count">;

export class SampleSource {
  readonly #seed: number;
  readonly #plan: Plan;
  readonly #parts: { readonly train: Uint32Array; readonly val: Uint32Array };
  readonly #samplingWeights: Float64Array | null;
  readonly #recipe: Pick<Recipe, "passConstants">;
  #order: { readonly epoch: number; readonly positions: Uint32Array } | null = null;
  #trainConstants: { readonly step: number; readonly constants: PassConstants } | null = null;
  #validationConstants: PassConstants | null = null;

  constructor(options: {
    readonly spec: RunSpec;
    readonly parts: { readonly train: Uint32Array; readonly val: Uint32Array };
    /** See SampledOrder. */
    readonly samplingWeights: Float64Array | null;
    readonly recipe: Pick<Recipe, "passConstants">;
  }) {
    const { spec, parts, samplingWeights, recipe } = options;
    const { microBatch, globalBatch, epochs, seed } = spec;
    const samples = { trainSamples: parts.train.length, valSamples: parts.val.length };
    this.#seed = seed;
    this.#plan = createPlan({ ...samples, microBatch, globalBatch, epochs, seed });
    this.#parts = parts;
    this.#samplingWeights = samplingWeights;
    this.#recipe = recipe;
  }

  /** Returns why the work does not fit the run's plan; null if it fits. */
  problemOf({ pass, epoch, step, numMicroBatches, firstMicroBatch, count }: Work): string | null {
    if (pass !== Pass.TRAIN && pass !== Pass.VALIDATE) return `pass ${pass} is unknown`;
    const { totalSteps, epochs } = this.#plan;
    if (pass === Pass.TRAIN) {
      if (step >= totalSteps) return `step ${step} is past the run's ${totalSteps}`;
      const expected = this.#plan.epochOf(step);
      if (epoch !== expected) return `step ${step} belongs to epoch ${expected}, not ${epoch}`;
    } else if (epoch >= epochs) return `epoch ${epoch} is past the run's ${epochs}`;
    const planned = this.#passPlan({ pass, step }).numMicroBatches;
    if (numMicroBatches !== planned) return `the pass has ${planned} micro-batches, not ${numMicroBatches}`;
    if (!isNode(firstMicroBatch, count, numMicroBatches)) {
      return `micro-batches ${firstMicroBatch}+${count} are not a node of the tree over ${numMicroBatches}`;
    }
    return null;
  }

  batch({ pass, epoch, step }: Work, microBatch: number): BatchPlan {
    const { firstPosition, count } = this.#passPlan({ pass, step }).microBatch(microBatch);
    const positions = Uint32Array.from({ length: count }, (_, index) => firstPosition + index);
    return {
      key: { seed: this.#seed, epoch, step, microBatch },
      samples: this.#samplesAt(pass, epoch, positions),
      positions,
    };
  }

  /** Returns the denominators of the whole pass, computed from the labels of all its samples. */
  constants({ pass, epoch, step }: Work): PassConstants {
    if (pass === Pass.VALIDATE) {
      this.#validationConstants ??= this.#recipe.passConstants(this.#parts.val);
      return this.#validationConstants;
    }
    if (this.#trainConstants?.step !== step) {
      const plan = this.#passPlan({ pass, step });
      const first = plan.microBatch(0).firstPosition;
      const positions = Uint32Array.from({ length: plan.numSamples }, (_, index) => first + index);
      const constants = this.#recipe.passConstants(this.#samplesAt(pass, epoch, positions));
      this.#trainConstants = { step, constants };
    }
    return this.#trainConstants.constants;
  }

  #passPlan({ pass, step }: Pick<Work, "pass" | "step">): PassPlan {
    return pass === Pass.VALIDATE ? this.#plan.validationPass() : this.#plan.trainPass(step);
  }

  #samplesAt(pass: Pass, epoch: number, positions: Uint32Array): Uint32Array {
    const { train, val } = this.#parts;
    if (pass === Pass.VALIDATE) return positions.map((position) => at(val, position));
    const order = this.#orderOf(epoch);
    return positions.map((position) => at(train, at(order, position)));
  }

  #orderOf(epoch: number): Uint32Array {
    if (this.#order?.epoch !== epoch) {
      const [seed, trainSamples, weights] = [this.#seed, this.#parts.train.length, this.#samplingWeights];
      this.#order = { epoch, positions: sampledOrder({ seed, epoch, trainSamples, weights }) };
    }
    return this.#order.positions;
  }
}

function at(array: Uint32Array, index: number): number {
  const value = array[index];
  if (value === undefined)
    throw new RangeError(`index ${index} is out of range: the array has ${array.length} elements`);
  return value;
}
