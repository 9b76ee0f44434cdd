// Computes metrics from the metric sums of a pass with `evaluateMetrics`. The definitions come with the run, so that the
// coordinator does not need the recipe.
import { z } from "zod";

export const metricDefinition = z.strictObject({
  /** The name as it is printed and stored, for example genderAccuracy. */
  name: z.string(),
  /** Name of the sum that is divided. */
  numerator: z.string(),
  /** Name of the sum that divides. Null when the numerator is the value: a loss, which is divided by constants already. */
  denominator: z.string().nullable(),
  /** Whether the square root of the quotient is taken, for example for an RMSE. */
  squareRoot: z.boolean(),
  /** For people: fraction, years, or nats. */
  unit: z.string(),
});
export type MetricDefinition = z.infer<typeof metricDefinition>;

/**
 * The metrics by name. With a denominator of zero a metric is NaN.
 * @param sumNames the names of `sums`, in the same order
 * @throws Error if a definition names a sum that is not in sumNames
 */
export function evaluateMetrics(
  definitions: readonly MetricDefinition[],
  sumNames: readonly string[],
  sums: Float64Array,
): Record<string, number> {
  const sumOf = (name: string): number => {
    const value = sums[sumNames.indexOf(name)];
    if (value === undefined) throw new Error(`metric sum ${name} is not among ${sumNames.join(", ")}`);
    return value;
  };
  return Object.fromEntries(
    definitions.map(({ name, numerator, denominator, squareRoot }) => {
      const ratio = denominator === null ? sumOf(numerator) : sumOf(numerator) / sumOf(denominator);
      return [name, squareRoot ? Math.sqrt(ratio) : ratio];
    }),
  );
}
