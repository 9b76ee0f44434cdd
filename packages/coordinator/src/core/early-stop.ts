// Decides whether a run ends before its last epoch: `reasonToStopEarly`. It is a pure function of the recorded
// validation losses, so a run that was resumed, or whose coordinator was killed, ends at the same epoch.

export interface EarlyStop {
  /** Epochs in a row without an improvement, at least 1. */
  readonly patience: number;
  /** A loss is an improvement when it is lower than the best so far by more than this. */
  readonly minDelta: number;
}

/**
 * The reason to stop, for users, or null to go on.
 * @param losses one for each completed epoch, from epoch 0 on; null where the loss is not a number, which is no
 * improvement
 */
export function reasonToStopEarly(rule: EarlyStop | null, losses: readonly (number | null)[]): string | null {
  if (rule === null) return null;
  let best = { loss: Number.POSITIVE_INFINITY, epoch: -1 };
  for (const [epoch, loss] of losses.entries()) {
    if (loss !== null && loss < best.loss - rule.minDelta) best = { loss, epoch };
  }
  const waited = losses.length - 1 - best.epoch;
  if (waited < rule.patience) return null;
  const since =
    best.epoch < 0 ? "no epoch had a finite loss" : `best ${best.loss.toFixed(4)} after epoch ${best.epoch + 1}`;
  return `early stop: val loss no lower in ${waited} epoch${waited === 1 ? "" : "s"} (${since})`;
}
