// Decides which checkpoints stay, by `stepsToDelete`: the last N, and the best by validation loss. Pure. Its candidates are
// sound checkpoints alone, so that a damaged one, or one with weights that are not finite, never takes the place of a sound one.

export interface RetentionCandidate {
  readonly step: number;
  /** Loss of a validation pass over these very weights; null when there was none. */
  readonly validationLoss: number | null;
}

export interface RetentionRules {
  /** At least 1. */
  readonly keepLast: number;
  readonly keepBest: boolean;
}

/** The steps that may be deleted, ascending. Of equal losses the latest counts as the best; NaN never does. */
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
