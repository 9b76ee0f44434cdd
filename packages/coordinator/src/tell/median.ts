// Computes the median that the summary reports, and which steps it counts: `median` and `warmSteps`.

const warmUpSteps = 10;

/** Leaves the first 10 out where there are more. */
export function warmSteps<T>(steps: readonly T[]): readonly T[] {
  return steps.length > warmUpSteps ? steps.slice(warmUpSteps) : steps;
}

/** Null of nothing; the mean of the middle two of an even number. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return ((low ?? 0) + (high ?? 0)) / 2;
}
