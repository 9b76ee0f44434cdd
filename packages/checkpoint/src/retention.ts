// Decides with `stepsToDelete` which checkpoints are deleted: all but the last N and the one with the lowest validation loss.
// Only sound checkpoints are candidates, so that a damaged one, or one with weights that are not finite, never displaces a
// sound one.

export interface RetentionCandidate {
  readonly step: number;
  /** Loss of a validation pass with exactly these weights; null when there was none. */
  readonly validationLoss: number | null;
}

export interface RetentionRules {
  /** At least 1. */
  readonly keepLast: number;
  readonly keepBest: boolean;
}

/** The steps to delete, ascending. Of equal losses the latest is the best; NaN is never the best. */
export function stepsToDelete(candidates: readonly RetentionCandidate[], rules: RetentionRules): number[] {
  const ascending = [...candidates].sort((a, b) => a.step - b.step);
  const keep = new Set(ascending.slice(-rules.keepLast).map(({ step }) => step));
  const best = rules.keepBest ? bestOf(ascending) : null;
  if (best !== null) keep.add(best.step);
  return ascending.map(({ step }) => step).filter((step) => !keep.has(step));
}

/** The candidate with the lowest validation loss; null when none was validated. */
export function bestOf<T extends RetentionCandidate>(candidates: readonly T[]): T | null {
  let best: { candidate: T; loss: number } | null = null;
  for (const candidate of [...candidates].sort((a, b) => a.step - b.step)) {
    const loss = candidate.validationLoss;
    if (loss === null || Number.isNaN(loss)) continue;
    if (best === null || loss <= best.loss) best = { candidate, loss };
  }
  return best?.candidate ?? null;
}
