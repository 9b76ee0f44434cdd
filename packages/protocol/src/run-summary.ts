// Defines the result of a run (`runSummary`), which the coordinator writes to `OUT/summary.json` and `lockstep train` prints.
// JSON has no NaN: a number that is not finite is written as null.
import { z } from "zod";

/** Times of a run, which each checkpoint and the result contain. */
export const goodputRecord = z.object({
  /** Time of the steps and validations that led to the position of the checkpoint. */
  productiveSeconds: z.number(),
  /** Time since the run began, without the time between a requested stop and the next start. */
  wallSeconds: z.number(),
  /** Unix time of the record, in milliseconds. */
  savedAtMs: z.number(),
});
export type GoodputRecord = Readonly<z.infer<typeof goodputRecord>>;

const medianSeconds = z.number().nullable();

const phaseMedians = z.object({
  /** From the first lease to the update of the weights. */
  step: medianSeconds,
  commit: medianSeconds,
  fetchWeights: medianSeconds,
  load: medianSeconds,
  compute: medianSeconds,
  sum: medianSeconds,
});
export type PhaseMedians = Readonly<z.infer<typeof phaseMedians>>;

export const runSummary = z.object({
  /** True when the run has reached its end, false when it was stopped. */
  completed: z.boolean(),
  /** Why the run ended, in one line. */
  reason: z.string(),
  /** Number of optimizer updates of the whole run. */
  steps: z.number(),
  /** Number of epochs of the whole run that are finished and validated. */
  epochs: z.number(),
  /** Number of training samples with which the weights were computed. */
  samples: z.number(),
  /** Wall time of this coordinator process. */
  seconds: z.number(),
  /** Median of samples per second over this process's training steps without the first 10; null without a step. */
  imagesPerSecond: z.number().nullable(),
  /** Mean training loss of the present epoch or, at an epoch's end, of the one just finished; null before the first step. */
  loss: z.number().nullable(),
  /** Metrics of the newest validation; null when there was none. */
  validation: z.record(z.string(), z.number().nullable()).readonly().nullable(),
  /** The epoch, from 0, after which `validation` was made. */
  validationEpoch: z.number().nullable(),
  weightsSha256: z.string(),
  /** Number of slots that computed something in the whole run. */
  workers: z.number(),
  /** Number of micro-batches of the whole run (training and validation) by slot. One that was computed again counts once. */
  microBatchesByWorker: z.array(z.number()).readonly(),
  /** Number of leases that were granted again, by all coordinator processes that led to this result. */
  leasesRedone: z.number(),
  /** The step of the checkpoint from which this process resumed; null when it started the run. */
  resumedFromStep: z.number().nullable(),
  coordinatorGeneration: z.number(),
  out: z.string(),
  /** False when a worker with other numerics took part. */
  exact: z.boolean(),
  /** The workers' numerics; null when no worker has joined. */
  numerics: z.record(z.string(), z.unknown()).readonly().nullable(),
  /** Seconds of each phase: the slowest worker's of a step, the median over this process's steps without the first 10. */
  phaseSeconds: phaseMedians,
  /** Times of the whole run at the end of this process. The next process continues with them. */
  goodput: goodputRecord,
});
export type RunSummary = Readonly<z.infer<typeof runSummary>>;
