// Owns what can be said of a classifier from (actual, predicted) pairs: confusion matrix, accuracy, precision, recall, F1.
// Pure.

/** Row: the actual class; column: the predicted one; the entry: how many samples. */
export type ConfusionMatrix = readonly (readonly number[])[];

export interface ClassMetrics {
  readonly name: string;
  /** Samples that are of this class. */
  readonly support: number;
  /** Samples that were said to be of this class. */
  readonly predicted: number;
  /** Share of the predicted ones that are right; 0 when none was predicted. */
  readonly precision: number;
  /** Share of the class' samples that were found; 0 when there are none. */
  readonly recall: number;
  /** Harmonic mean of precision and recall; 0 when both are. */
  readonly f1: number;
}

export interface Classification {
  readonly accuracy: number;
  /** Unweighted means over the classes that occur, as actual or as predicted: scikit-learn's convention. */
  readonly macro: { readonly precision: number; readonly recall: number; readonly f1: number };
  readonly classes: readonly ClassMetrics[];
  readonly confusion: ConfusionMatrix;
}

/** Class indexes, two arrays of equal length; names has a name a class. Throws RangeError on an index without a name. */
export function classify(
  actual: ArrayLike<number>,
  predicted: ArrayLike<number>,
  names: readonly string[],
): Classification {
  const confusion = confusionMatrix(actual, predicted, names.length);
  const classes = names.map((name, k): ClassMetrics => {
    const hits = entry(confusion, k, k);
    const support = sum(confusion[k] ?? []);
    const said = sum(confusion.map((row) => row[k] ?? 0));
    const [precision, recall] = [ratio(hits, said), ratio(hits, support)];
    return { name, support, predicted: said, precision, recall, f1: ratio(2 * precision * recall, precision + recall) };
  });
  const occurring = classes.filter(({ support, predicted: said }) => support + said > 0);
  const mean = (of: (metrics: ClassMetrics) => number): number => ratio(sum(occurring.map(of)), occurring.length);
  return {
    accuracy: ratio(sum(confusion.map((row, k) => row[k] ?? 0)), actual.length),
    macro: { precision: mean((c) => c.precision), recall: mean((c) => c.recall), f1: mean((c) => c.f1) },
    classes,
    confusion,
  };
}

export function confusionMatrix(
  actual: ArrayLike<number>,
  predicted: ArrayLike<number>,
  numClasses: number,
): ConfusionMatrix {
  if (actual.length !== predicted.length) {
    throw new RangeError(`${actual.length} actual classes, ${predicted.length} predicted ones`);
  }
  const matrix = Array.from({ length: numClasses }, () => new Array<number>(numClasses).fill(0));
  for (let i = 0; i < actual.length; i++) {
    const row = matrix[actual[i] ?? -1];
    const column = predicted[i] ?? -1;
    const count = row?.[column];
    if (row === undefined || count === undefined) {
      throw new RangeError(
        `sample ${i}: actual ${actual[i]}, predicted ${predicted[i]}, there are ${numClasses} classes`,
      );
    }
    row[column] = count + 1;
  }
  return matrix;
}

/** Share of the samples that are of the most frequent class: what always saying that class would score. */
export function majorityShare({ classes }: Classification): number {
  const supports = classes.map(({ support }) => support);
  return ratio(Math.max(...supports), sum(supports));
}

function entry(matrix: ConfusionMatrix, row: number, column: number): number {
  return matrix[row]?.[column] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function ratio(above: number, below: number): number {
  return below === 0 ? 0 : above / below;
}
