// Owns how a pass' metric sums become the numbers that people read, so that the coordinator need not know the recipe.
import { z } from "zod";

export const metricDefinition = z.strictObject({
  /** As printed and stored, e.g. genderAccuracy. */
  name: z.string(),
  /** Name of the sum above the line. */
  numerator: z.string(),
  /** Name of the sum below the line; null: the numerator is the value (a loss, already divided by constants). */
  denominator: z.string().nullable(),
  /** After dividing: take the square root (an RMSE). */
  squareRoot: z.boolean(),
  /** For people: fraction, years, or nats. */
  unit: z.string(),
});
export type MetricDefinition = z.infer<typeof metricDefinition>;

/** The metrics by name; a zero denominator gives NaN, which is a wrong number's honest name. */
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
