// Owns what a checkpoint carries from one life of the coordinator to the next besides the training state: counters and
// the validations. None of it changes a bit of a step; the losses decide whether an early stop ends the run.
import type { JsonValue } from "@lockstep/checkpoint";
import { type GoodputRecord, goodputRecord } from "@lockstep/protocol";

/** A validation that is over. */
export interface LastValidation {
  readonly epoch: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface Bookkeeping {
  readonly lastValidation: LastValidation | null;
  /** Mean training loss of the epoch that ended last. */
  readonly epochLoss: number | null;
  readonly leasesRedone: number;
  /** By slot, from 0. */
  readonly microBatchesByWorker: readonly number[];
  /** Whether a worker with other numerics has taken part. */
  readonly mixedNumerics: boolean;
  /** Of every epoch that is over, from epoch 0 on. */
  readonly validationLosses: readonly (number | null)[];
  /** Null in checkpoints of before the first life, and of older ones. */
  readonly goodput: GoodputRecord | null;
}

/** JSON has no NaN: a metric that is none becomes null. */
export function storeBookkeeping(bookkeeping: Bookkeeping): Record<string, JsonValue> {
  const { lastValidation, microBatchesByWorker, validationLosses, goodput, ...rest } = bookkeeping;
  const metrics = Object.entries(lastValidation?.metrics ?? {}).map(([name, value]): [string, number | null] => [
    name,
    Number.isFinite(value) ? value : null,
  ]);
  return {
    ...rest,
    microBatchesByWorker: [...microBatchesByWorker],
    validationLosses: [...validationLosses],
    goodput: goodput && { ...goodput },
    lastValidation: lastValidation && { epoch: lastValidation.epoch, metrics: Object.fromEntries(metrics) },
  };
}

/** The launcher's checkpoint of step 0 has none: then everything is at its beginning. */
export function restoreBookkeeping(stored: Readonly<Record<string, JsonValue>>): Bookkeeping {
  const { epochLoss, leasesRedone, mixedNumerics } = stored;
  const byWorker = stored["microBatchesByWorker"];
  const losses = stored["validationLosses"];
  return {
    lastValidation: restoreValidation(stored["lastValidation"]),
    epochLoss: typeof epochLoss === "number" ? epochLoss : null,
    leasesRedone: typeof leasesRedone === "number" ? leasesRedone : 0,
    microBatchesByWorker: Array.isArray(byWorker) ? byWorker.map(Number) : [],
    mixedNumerics: mixedNumerics === true,
    goodput: goodputRecord.safeParse(stored["goodput"]).data ?? null,
    validationLosses: Array.isArray(losses) ? losses.map((loss) => (typeof loss === "number" ? loss : null)) : [],
  };
}

function restoreValidation(stored: JsonValue | undefined): LastValidation | null {
  if (typeof stored !== "object" || stored === null || Array.isArray(stored)) return null;
  const { epoch, metrics } = stored;
  if (typeof epoch !== "number" || typeof metrics !== "object" || metrics === null) return null;
  const values = Object.entries(metrics).map(([name, value]) => [name, value === null ? Number.NaN : Number(value)]);
  return { epoch, metrics: Object.fromEntries(values) };
}
