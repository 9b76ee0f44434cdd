// Computes the medians of the summary: `median`, and `warmSteps`, which leaves out the first steps.

const warmUpSteps = 10;

/** The steps without the first 10. All steps when there are 10 or fewer. */
export function warmSteps<T>(steps: readonly T[]): readonly T[] {
  return steps.length > warmUpSteps ? steps.slice(warmUpSteps) : steps;
}

/** The median, or null for no values. For an even number of values it is the mean of the two in the middle. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return ((low ?? 0) + (high ?? 0)) / 2;
}
