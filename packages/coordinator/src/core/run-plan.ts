// Owns the plan of a run: how many steps and epochs there are, what each pass is cut into, and where a run stands on
// it. Pure numbers; the plan of the data set (packages/dataset) fits this shape.

export type PassKind = "train" | "validate";

/** One pass over samples (a training step, or a whole validation pass), cut into micro-batches. */
export interface PassShape {
  /** V: at least 1. */
  readonly numMicroBatches: number;
  readonly numSamples: number;
  /** Samples of micro-batch `index`, 0 <= index < numMicroBatches. */
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
 * What comes next. `stepInEpoch === stepsPerEpoch` means that the epoch's steps are done and its validation is due;
 * after the validation `epoch` is one more and `stepInEpoch` is 0.
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

/** Samples of the micro-batches first ... first + count - 1. */
export function samplesOf(shape: PassShape, { first, count }: { first: number; count: number }): number {
  let samples = 0;
  for (let index = first; index < first + count; index++) samples += shape.microBatch(index).count;
  return samples;
}
