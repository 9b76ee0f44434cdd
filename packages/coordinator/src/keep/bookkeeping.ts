// Stores and restores the part of a checkpoint that is not training state: `Bookkeeping` has counters and validation
// losses. It does not change the result of any step. The losses decide whether an early stop ends the run.
import type { JsonValue } from "@lockstep/checkpoint";
import { type GoodputRecord, goodputRecord } from "@lockstep/protocol";

/** The last completed validation. */
export interface LastValidation {
  readonly epoch: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface Bookkeeping {
  readonly lastValidation: LastValidation | null;
  /** Mean training loss of the last completed epoch. */
  readonly epochLoss: number | null;
  readonly leasesRedone: number;
  /** The index is the slot. */
  readonly microBatchesByWorker: readonly number[];
  /** True when a worker with other numerics was admitted. */
  readonly mixedNumerics: boolean;
  /** One loss for each completed epoch, from epoch 0 on. Null where it is not finite. */
  readonly validationLosses: readonly (number | null)[];
  /** Null in the checkpoint of step 0, and in checkpoints of older releases. */
  readonly goodput: GoodputRecord | null;
}

/** As JSON. Metrics that are not finite become null, because JSON has no NaN. */
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

/**
 * Reads what storeBookkeeping returned. The checkpoint of step 0 has none: then the counters are 0 and the rest is
 * null.
 */
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
