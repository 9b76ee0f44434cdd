// Computes the errors of predicted numbers (numberErrors), the errors of a constant guess (constantErrors), and the
// class that a number falls into (binOf). Pure. The simple-statistics library is not used because its mean adds the
// values in another way: the last digits of reports would change.

export interface NumberErrors {
  /** Mean absolute error. */
  readonly mae: number;
  /** Root of the mean squared error. */
  readonly rmse: number;
  /** Mean of predicted minus actual; above 0 if predictions are too high on average. */
  readonly bias: number;
}

/** Returns NaN for empty arrays. @throws RangeError if the arrays differ in length */
export function numberErrors(actual: ArrayLike<number>, predicted: ArrayLike<number>): NumberErrors {
  const errors = errorsOf(actual, predicted);
  return {
    mae: mean(errors.map(Math.abs)),
    rmse: Math.sqrt(mean(errors.map((error) => error ** 2))),
    bias: mean(errors),
  };
}

/** Returns predicted minus actual for each sample. @throws RangeError if the arrays differ in length */
export function errorsOf(actual: ArrayLike<number>, predicted: ArrayLike<number>): Float64Array {
  if (actual.length !== predicted.length) {
    throw new RangeError(`${actual.length} actual numbers, but ${predicted.length} predicted numbers`);
  }
  return Float64Array.from({ length: actual.length }, (_, i) => at(predicted, i) - at(actual, i));
}

/**
 * Returns the least errors that a constant prediction can have on these numbers: that of the median for the MAE, of the
 * mean for the RMSE.
 */
export function constantErrors(actual: ArrayLike<number>): { readonly mae: number; readonly rmse: number } {
  const values = Float64Array.from(actual);
  const constant = (value: number): NumberErrors => numberErrors(values, new Float64Array(values.length).fill(value));
  return { mae: constant(median(values)).mae, rmse: constant(mean(values)).rmse };
}

/**
 * Returns the class whose edges the number is between: class k holds the numbers below edge k and not below edge k - 1.
 * @throws RangeError if the number is NaN
 */
export function binOf(value: number, edges: readonly number[]): number {
  if (Number.isNaN(value)) throw new RangeError("a predicted number is NaN: the weights are damaged");
  const bin = edges.findIndex((edge) => value < edge);
  return bin === -1 ? edges.length : bin;
}

/** Whether the classes are the same or neighbours. */
export function isWithinOne(actual: number, predicted: number): boolean {
  return Math.abs(actual - predicted) <= 1;
}

/**
 * Returns the middle value. Of two middle values it returns the lower one: every number between them has the same mean
 * absolute error.
 */
function median(values: Float64Array): number {
  return values.toSorted()[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}

function mean(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? Number.NaN;
}
