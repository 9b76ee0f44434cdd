// Defines the run's result (runSummary), as the coordinator writes it to `OUT/summary.json` and `lockstep train` prints it.
// JSON has no NaN: a number that is not finite is written as null.
import { z } from "zod";

/** Seconds of a run, as a checkpoint carries them, and the result. */
export const goodputRecord = z.object({
  /** Spent in the steps and validations behind the position of the checkpoint. */
  productiveSeconds: z.number(),
  /** Since the run began, without the gaps after coordinators that ended in order. */
  wallSeconds: z.number(),
  /** Unix time of the record, milliseconds. */
  savedAtMs: z.number(),
});
export type GoodputRecord = Readonly<z.infer<typeof goodputRecord>>;

const medianSeconds = z.number().nullable();

const phaseMedians = z.object({
  /** From the first lease granted to the weights updated. */
  step: medianSeconds,
  commit: medianSeconds,
  fetchWeights: medianSeconds,
  load: medianSeconds,
  compute: medianSeconds,
  sum: medianSeconds,
});
export type PhaseMedians = Readonly<z.infer<typeof phaseMedians>>;

export const runSummary = z.object({
  /** True when the run reached its end, false when it was stopped. */
  completed: z.boolean(),
  /** Why it ended, one line. */
  reason: z.string(),
  /** Optimizer updates of the whole run. */
  steps: z.number(),
  /** Epochs of the whole run that are finished and validated. */
  epochs: z.number(),
  /** Training samples behind the weights. */
  samples: z.number(),
  /** Wall time of this coordinator process. */
  seconds: z.number(),
  /** Samples over seconds: the median of this process' training steps, its first 10 left out; null without a step. */
  imagesPerSecond: z.number().nullable(),
  /** Mean training loss of the epoch under way or, at an epoch's end, of the one just finished; null before a step. */
  loss: z.number().nullable(),
  /** Metrics of the newest validation; null when there was none. */
  validation: z.record(z.string(), z.number().nullable()).readonly().nullable(),
  /** The epoch, from 0, after which `validation` was made. */
  validationEpoch: z.number().nullable(),
  weightsSha256: z.string(),
  /** Slots that computed something in the whole run. */
  workers: z.number(),
  /** Micro-batches of the whole run (training and validation) by slot: each counts once, whatever was lost or computed again. */
  microBatchesByWorker: z.array(z.number()).readonly(),
  /** Leases that were granted once more, over the processes that led to this result. */
  leasesRedone: z.number(),
  /** Null when this process started from step 0 and none came before. */
  resumedFromStep: z.number().nullable(),
  coordinatorGeneration: z.number(),
  out: z.string(),
  /** False when a worker with other numerics took part. */
  exact: z.boolean(),
  /** What the workers computed with; null when none ever joined. */
  numerics: z.record(z.string(), z.unknown()).readonly().nullable(),
  /** Medians over the steps of this process, the first 10 left out; of the slowest worker in each step. */
  phaseSeconds: phaseMedians,
  /** Of the whole run, at the end of this process: the next one goes on from it. */
  goodput: goodputRecord,
});
export type RunSummary = Readonly<z.infer<typeof runSummary>>;
