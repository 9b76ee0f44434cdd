// Computes the figures of a classifier from pairs of actual and predicted classes (classify): confusion matrix,
// accuracy, precision, recall, F1. Pure.
//
// K classes

/** K x K. Rows are actual classes, columns are predicted classes. */
export type Matrix = readonly (readonly number[])[];

export interface ConfusionMatrices {
  /** Numbers of samples. */
  readonly counts: Matrix;
  /**
   * Each row divided by its sum: the shares of predictions for an actual class, with recall on the diagonal. A row of
   * zeros stays zero.
   */
  readonly byActual: Matrix;
  /**
   * Each column divided by its sum: the shares of actual classes in a predicted class, with precision on the diagonal.
   * A column of zeros stays zero.
   */
  readonly byPredicted: Matrix;
}

export interface ClassMetrics {
  readonly name: string;
  /** Number of samples of this class. */
  readonly support: number;
  /** Number of samples for which this class was predicted. */
  readonly predicted: number;
  /** Share of the samples with this prediction that are of this class; 0 if there are none. */
  readonly precision: number;
  /** Share of the samples of this class with this prediction; 0 if there are none. */
  readonly recall: number;
  /** Harmonic mean of precision and recall; 0 if both are 0. */
  readonly f1: number;
}

export interface Averages {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

export interface Classification {
  readonly accuracy: number;
  /** Mean recall of the classes that have samples, like scikit-learn's balanced_accuracy_score. */
  readonly balancedAccuracy: number;
  /** Unweighted means over the classes that occur as actual or as predicted class, as in scikit-learn. */
  readonly macro: Averages;
  /** Means over the classes, weighted by their numbers of samples. */
  readonly weighted: Averages;
  readonly classes: readonly ClassMetrics[];
  readonly confusion: ConfusionMatrices;
}

/**
 * @param actual class index of each sample
 * @param predicted class index of each sample
 * @param names name of each class
 * @throws RangeError if the arrays differ in length or an index has no name
 */
export function classify(
  actual: ArrayLike<number>,
  predicted: ArrayLike<number>,
  names: readonly string[],
): Classification {
  const counts = confusionCounts(cellsOf(actual, predicted, names.length), names.length);
  const scores = scoresOf(counts, names.length);
  const classes = names.map((name, k): ClassMetrics => ({ name, ...classScores(counts, names.length, k) }));
  const supported = classes.filter(({ support }) => support > 0);
  return {
    accuracy: scores.accuracy,
    balancedAccuracy: ratio(sum(supported.map(({ recall }) => recall)), supported.length),
    macro: averages(
      classes.filter((metrics) => metrics.support + metrics.predicted > 0),
      () => 1,
    ),
    weighted: averages(classes, ({ support }) => support),
    classes,
    confusion: matrices(counts, names.length),
  };
}

/**
 * Computes accuracy and macro F1 from confusion counts. It is fast, because it runs for each resample of a bootstrap.
 */
export function scoresOf(counts_KK: Uint32Array, numClasses: number): { accuracy: number; macroF1: number } {
  let [hits, total, f1Sum, occurring] = [0, 0, 0, 0];
  for (let k = 0; k < numClasses; k++) {
    const { support, predicted, f1 } = classScores(counts_KK, numClasses, k);
    hits += counts_KK[k * numClasses + k] ?? 0;
    total += support;
    if (support + predicted > 0) {
      f1Sum += f1;
      occurring += 1;
    }
  }
  return { accuracy: ratio(hits, total), macroF1: ratio(f1Sum, occurring) };
}

/**
 * Returns for each sample its index in the confusion counts: actual * K + predicted.
 * @throws RangeError if the arrays differ in length or an index is not a class
 */
export function cellsOf(actual: ArrayLike<number>, predicted: ArrayLike<number>, numClasses: number): Uint32Array {
  if (actual.length !== predicted.length) {
    throw new RangeError(`${actual.length} actual classes, but ${predicted.length} predicted classes`);
  }
  return Uint32Array.from({ length: actual.length }, (_, i) => {
    const [row = -1, column = -1] = [actual[i], predicted[i]];
    if (!isClass(row, numClasses) || !isClass(column, numClasses)) {
      throw new RangeError(`sample ${i}: actual ${row}, predicted ${column}, there are ${numClasses} classes`);
    }
    return row * numClasses + column;
  });
}

/** Returns the share of the most frequent class, i.e. the accuracy of always predicting that class. */
export function majorityShare({ classes }: Pick<Classification, "classes">): number {
  const supports = classes.map(({ support }) => support);
  return ratio(Math.max(...supports), sum(supports));
}

function isClass(index: number, numClasses: number): boolean {
  return Number.isInteger(index) && index >= 0 && index < numClasses;
}

function confusionCounts(cells: Uint32Array, numClasses: number): Uint32Array {
  const counts_KK = new Uint32Array(numClasses * numClasses);
  for (const cell of cells) counts_KK[cell] = (counts_KK[cell] ?? 0) + 1;
  return counts_KK;
}

function classScores(counts_KK: Uint32Array, numClasses: number, k: number): Omit<ClassMetrics, "name"> {
  const hits = counts_KK[k * numClasses + k] ?? 0;
  let [support, predicted] = [0, 0];
  for (let other = 0; other < numClasses; other++) {
    support += counts_KK[k * numClasses + other] ?? 0;
    predicted += counts_KK[other * numClasses + k] ?? 0;
  }
  const [precision, recall] = [ratio(hits, predicted), ratio(hits, support)];
  return { support, predicted, precision, recall, f1: ratio(2 * precision * recall, precision + recall) };
}

function averages(classes: readonly ClassMetrics[], weightOf: (metrics: ClassMetrics) => number): Averages {
  const total = sum(classes.map(weightOf));
  const mean = (of: (metrics: ClassMetrics) => number): number =>
    ratio(sum(classes.map((metrics) => weightOf(metrics) * of(metrics))), total);
  return { precision: mean((c) => c.precision), recall: mean((c) => c.recall), f1: mean((c) => c.f1) };
}

function matrices(counts_KK: Uint32Array, numClasses: number): ConfusionMatrices {
  const counts = Array.from({ length: numClasses }, (_, row) => [
    ...counts_KK.subarray(row * numClasses, (row + 1) * numClasses),
  ]);
  const columnSums = Array.from({ length: numClasses }, (_, k) => sum(counts.map((row) => row[k] ?? 0)));
  return {
    counts,
    byActual: counts.map((row) => row.map((count) => ratio(count, sum(row)))),
    byPredicted: counts.map((row) => row.map((count, k) => ratio(count, columnSums[k] ?? 0))),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function ratio(numerator: number, denominator: number): number {
  return denominator === 0 ? 0 : numerator / denominator;
}
