// Computes which samples a step trains on (createPlan). It needs only counts, so coordinator and workers compute the
// same plan without messages. A position is the place of a sample in its epoch; sampledOrder maps positions to samples.
import { UserError } from "@lockstep/errors";
import { CounterRandom, permutation, randomDomain } from "@lockstep/numerics";

export interface PlanSettings {
  /** Samples of the training part. */
  readonly trainSamples: number;
  /** Samples of the validation part; 0 means no validation. */
  readonly valSamples: number;
  /** Samples of a micro-batch. */
  readonly microBatch: number;
  /** Samples of a step; a multiple of microBatch. */
  readonly globalBatch: number;
  readonly epochs: number;
  readonly seed: number;
}

/** One micro-batch: `count` consecutive positions from `firstPosition`. */
export interface MicroBatchPlan {
  /** Position in the epoch (training), or in the validation part in canonical order (validation). */
  readonly firstPosition: number;
  /**
   * 1..microBatch. Only the last micro-batch of an epoch or of a validation pass may have fewer than microBatch
   * samples.
   */
  readonly count: number;
}

/** One pass over a step's samples, or over the validation part. */
export interface PassPlan {
  /** Number of leaves of the reduction tree. */
  readonly numMicroBatches: number;
  readonly numSamples: number;
  /** `index` from 0 to numMicroBatches - 1. */
  microBatch(index: number): MicroBatchPlan;
}

export interface Plan extends PlanSettings {
  readonly stepsPerEpoch: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** Returns the epoch of a step. Epochs count from 0; steps count from 0 over the whole run. */
  epochOf(step: number): number;
  /**
   * Returns the step's samples as positions in its epoch. The last step of an epoch may have fewer samples: nothing is
   * dropped, padded or repeated.
   */
  trainPass(step: number): PassPlan;
  validationPass(): PassPlan;
}

/** @throws UserError if a size is out of range or the sizes do not fit together */
export function createPlan(settings: PlanSettings): Plan {
  checkSettings(settings);
  const { trainSamples, valSamples, microBatch, globalBatch, epochs } = settings;
  const stepsPerEpoch = Math.ceil(trainSamples / globalBatch);
  const totalSteps = stepsPerEpoch * epochs;
  const checkStep = (step: number): void => {
    if (!Number.isInteger(step) || step < 0 || step >= totalSteps) {
      throw new RangeError(`step ${step} is not among the run's ${totalSteps}`);
    }
  };
  return {
    ...settings,
    stepsPerEpoch,
    totalSteps,
    epochOf(step) {
      checkStep(step);
      return Math.floor(step / stepsPerEpoch);
    },
    trainPass(step) {
      checkStep(step);
      const firstPosition = (step % stepsPerEpoch) * globalBatch;
      return passOver(firstPosition, Math.min(globalBatch, trainSamples - firstPosition), microBatch);
    },
    validationPass: () => passOver(0, valSamples, microBatch),
  };
}

/** Returns position -> index into the training part: a permutation that depends only on (seed, epoch, trainSamples). */
export function epochOrder(seed: number, epoch: number, trainSamples: number): Uint32Array {
  return permutation(new CounterRandom(seed, randomDomain.epochOrder, epoch), trainSamples);
}

function passOver(firstPosition: number, numSamples: number, microBatch: number): PassPlan {
  const numMicroBatches = Math.ceil(numSamples / microBatch);
  return {
    numMicroBatches,
    numSamples,
    microBatch(index) {
      if (!Number.isInteger(index) || index < 0 || index >= numMicroBatches) {
        throw new RangeError(`micro-batch ${index} is not among the pass' ${numMicroBatches}`);
      }
      const offset = index * microBatch;
      return { firstPosition: firstPosition + offset, count: Math.min(microBatch, numSamples - offset) };
    },
  };
}

function checkSettings(settings: PlanSettings): void {
  const { trainSamples, valSamples, microBatch, globalBatch, epochs } = settings;
  const flags = { microBatch: "--micro-batch", globalBatch: "--global-batch", epochs: "--epochs" };
  for (const [name, value] of Object.entries({ microBatch, globalBatch, epochs })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new UserError(
        `${name} ${value}: must be a whole number of at least 1 (${flags[name as keyof typeof flags]})`,
      );
    }
  }
  if (!Number.isSafeInteger(trainSamples) || trainSamples < 1) {
    throw new UserError(
      `the training part holds ${trainSamples} images: it needs at least 1 (--data, --split, --subset)`,
    );
  }
  if (!Number.isSafeInteger(valSamples) || valSamples < 0) throw new RangeError(`valSamples ${valSamples}`);
  if (microBatch > globalBatch) {
    throw new UserError(
      `microBatch ${microBatch}: must not exceed globalBatch ${globalBatch} (--micro-batch, --global-batch)`,
    );
  }
  if (globalBatch % microBatch !== 0) {
    throw new UserError(`microBatch ${microBatch}: must divide globalBatch ${globalBatch} (--micro-batch)`);
  }
}
