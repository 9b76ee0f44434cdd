// Owns the run's result, as `summary.json` holds it and `lockstep train` prints it.
import type { GoodputRecord } from "../tell/goodput.js";

export const summaryFile = "summary.json";

export interface PhaseMedians {
  /** From the first lease granted to the weights updated. */
  readonly step: number | null;
  readonly commit: number | null;
  readonly fetchWeights: number | null;
  readonly load: number | null;
  readonly compute: number | null;
  readonly sum: number | null;
}

export interface RunSummary {
  /** True when the run reached its end, false when it was stopped. */
  readonly completed: boolean;
  /** Why it ended, one line. */
  readonly reason: string;
  /** Optimizer updates in all, those of earlier lives included. */
  readonly steps: number;
  /** Epochs finished and validated, in all. */
  readonly epochs: number;
  /** Training samples behind the weights, in all. */
  readonly samples: number;
  /** Wall time of this life of the coordinator. */
  readonly seconds: number;
  /** Median over the training steps of this life, the first 10 left out, of samples over seconds; null without a step. */
  readonly imagesPerSecond: number | null;
  /** Mean training loss of the epoch under way or, at an epoch's end, of the one just finished; null before a step. */
  readonly loss: number | null;
  /** Metrics of the newest validation; null when there was none. */
  readonly validation: Readonly<Record<string, number>> | null;
  /** Epoch, from 0, that `validation` was after. */
  readonly validationEpoch: number | null;
  readonly weightsSha256: string;
  /** Slots that computed something in the whole run. */
  readonly workers: number;
  /** Micro-batches of the whole run (training and validation) by slot: each counts once, whatever was lost or redone. */
  readonly microBatchesByWorker: readonly number[];
  /** Leases that were handed out once more, in the lives that led to this result. */
  readonly leasesRedone: number;
  /** Null when it started from step 0 and no life came before. */
  readonly resumedFromStep: number | null;
  readonly coordinatorGeneration: number;
  readonly out: string;
  /** False when a worker with other numerics took part. */
  readonly exact: boolean;
  /** What the workers computed with; null when none joined ever. */
  readonly numerics: Readonly<Record<string, unknown>> | null;
  /** Medians over the steps of this life, the first 10 left out; of the slowest worker in each step. */
  readonly phaseSeconds: PhaseMedians;
  /** Of the whole run at this life's end: the next life goes on from it. */
  readonly goodput: GoodputRecord;
}
