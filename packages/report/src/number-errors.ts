// Computes the errors of predicted numbers (numberErrors), the class that a number falls into where classes have edges, and the
// errors of a constant guess. Pure. Not simple-statistics: its mean adds in another way, and reports keep their last digits.

export interface NumberErrors {
  /** Mean absolute error. */
  readonly mae: number;
  /** Root of the mean squared error. */
  readonly rmse: number;
  /** Mean of predicted minus actual: above 0 where it guesses too high. */
  readonly bias: number;
}

/** Two arrays of equal length; NaN when they are empty. */
export function numberErrors(actual: ArrayLike<number>, predicted: ArrayLike<number>): NumberErrors {
  const errors = errorsOf(actual, predicted);
  return {
    mae: mean(errors.map(Math.abs)),
    rmse: Math.sqrt(mean(errors.map((error) => error ** 2))),
    bias: mean(errors),
  };
}

/** Predicted minus actual, by sample. */
export function errorsOf(actual: ArrayLike<number>, predicted: ArrayLike<number>): Float64Array {
  if (actual.length !== predicted.length) {
    throw new RangeError(`${actual.length} actual numbers, ${predicted.length} predicted ones`);
  }
  return Float64Array.from({ length: actual.length }, (_, i) => at(predicted, i) - at(actual, i));
}

/** The least that a constant can reach on these very numbers: their median for the MAE, their mean for the RMSE. */
export function constantErrors(actual: ArrayLike<number>): { readonly mae: number; readonly rmse: number } {
  const values = Float64Array.from(actual);
  const constant = (value: number): NumberErrors => numberErrors(values, new Float64Array(values.length).fill(value));
  return { mae: constant(median(values)).mae, rmse: constant(mean(values)).rmse };
}

/** The class whose edges the number lies between: below edge k and not below the one before is class k. */
export function binOf(value: number, edges: readonly number[]): number {
  if (Number.isNaN(value)) throw new RangeError("a predicted number is NaN: the weights are broken");
  const bin = edges.findIndex((edge) => value < edge);
  return bin === -1 ? edges.length : bin;
}

/** Whether the classes are the same or neighbours. */
export function isWithinOne(actual: number, predicted: number): boolean {
  return Math.abs(actual - predicted) <= 1;
}

/** The middle value; the lower of two middles, which has the same mean absolute error as any point between them. */
function median(values: Float64Array): number {
  return values.toSorted()[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}

function mean(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? Number.NaN;
}
