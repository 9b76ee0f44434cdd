// Describes what a run computes: `RunPlan` has the number of steps and the micro-batches of each pass, and `Position`
// is how far a run is. `createPlan` of packages/dataset makes the plan.

export type PassKind = "train" | "validate";

/** The micro-batches of one pass: a training step, or a whole validation. */
export interface PassShape {
  /** V: at least 1. */
  readonly numMicroBatches: number;
  readonly numSamples: number;
  /** `count` is the number of samples of micro-batch `index`, 0 <= index < numMicroBatches. */
  microBatch(index: number): { readonly count: number };
}

export interface RunPlan {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  trainPass(step: number): PassShape;
  /** Null when the run has no validation samples. */
  validationPass(): PassShape | null;
}

/**
 * What the run computes next. `stepInEpoch === stepsPerEpoch` means that the epoch's steps are done and its validation
 * is due. After the validation, `epoch` is one more and `stepInEpoch` is 0.
 */
export interface Position {
  /** Optimizer updates so far. */
  readonly step: number;
  /** From 0. */
  readonly epoch: number;
  readonly stepInEpoch: number;
}

export function samePosition(a: Position, b: Position): boolean {
  return a.step === b.step && a.epoch === b.epoch && a.stepInEpoch === b.stepInEpoch;
}

/** Number of samples in the micro-batches `first` to `first + count - 1`. */
export function samplesOf(shape: PassShape, { first, count }: { first: number; count: number }): number {
  let samples = 0;
  for (let index = first; index < first + count; index++) samples += shape.microBatch(index).count;
  return samples;
}
