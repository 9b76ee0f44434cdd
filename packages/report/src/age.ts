// Owns what can be said of predicted ages: errors in years against the bins' midpoints, the bin that an age falls into, and
// what a constant guess would score. Pure.
import { ageMidpoints } from "@lockstep/dataset";

/** An age below edge k (and not below the one before) is in bin k; from the last edge on, in the last bin. Whole years lived: 2.9 is "0-2". */
const binEdges = [3, 10, 20, 30, 40, 50, 60, 70] as const;

/** Index into fairfaceClasses.ageBin. */
export function ageBinOf(years: number): number {
  if (Number.isNaN(years)) throw new RangeError("the predicted age is NaN: the weights are broken");
  const bin = binEdges.findIndex((edge) => years < edge);
  return bin === -1 ? binEdges.length : bin;
}

/** Years that stand for the bin. */
export function midpointOf(ageBin: number): number {
  const years = ageMidpoints[ageBin];
  if (years === undefined) throw new RangeError(`age bin ${ageBin}: there are ${ageMidpoints.length}`);
  return years;
}

export interface AgeErrors {
  /** Mean absolute error, years. */
  readonly mae: number;
  /** Root of the mean squared error, years. */
  readonly rmse: number;
}

/** Two arrays of equal length, years; NaN when they are empty. */
export function ageErrors(actualYears: readonly number[], predictedYears: ArrayLike<number>): AgeErrors {
  if (actualYears.length !== predictedYears.length) {
    throw new RangeError(`${actualYears.length} actual ages, ${predictedYears.length} predicted ones`);
  }
  const errors = actualYears.map((years, i) => (predictedYears[i] ?? Number.NaN) - years);
  return { mae: mean(errors.map(Math.abs)), rmse: Math.sqrt(mean(errors.map((error) => error ** 2))) };
}

/** The least that a constant can reach on these very ages: their median for the MAE, their mean for the RMSE. */
export function constantAgeErrors(actualYears: readonly number[]): AgeErrors {
  const constant = (years: number): AgeErrors =>
    ageErrors(
      actualYears,
      actualYears.map(() => years),
    );
  return { mae: constant(median(actualYears)).mae, rmse: constant(mean(actualYears)).rmse };
}

/** Share of the samples whose predicted bin is the actual one or its neighbour. */
export function withinOneBin(actualBins: readonly number[], predictedBins: readonly number[]): number {
  return mean(actualBins.map((bin, i) => Number(Math.abs(bin - (predictedBins[i] ?? Number.NaN)) <= 1)));
}

/** The middle value; the lower of two middles, which has the same mean absolute error as any point between them. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
