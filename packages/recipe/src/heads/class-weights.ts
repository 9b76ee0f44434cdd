// inverseFrequency and totalWeight: the weight of each class of a label in a loss, and the sum of the weights over a
// pass.
import { type LabelTable, labelOf } from "@lockstep/dataset";

/**
 * The weight of each class, n / (K count), which is 1 on average over the training part. A class that does not occur
 * there has the weight of a class that occurs once.
 */
export function inverseFrequency(options: {
  readonly labels: LabelTable;
  readonly label: string;
  readonly numClasses: number;
  readonly trainingSamples: Uint32Array;
}): number[] {
  const { trainingSamples, numClasses } = options;
  return classCounts({ ...options, samples: trainingSamples }).map(
    (count) => trainingSamples.length / (numClasses * Math.max(1, count)),
  );
}

/** The sum of the samples' weights. It is summed by class, so that it does not depend on the order of the samples. */
export function totalWeight(
  weights: readonly number[],
  options: { readonly labels: LabelTable; readonly label: string; readonly samples: Uint32Array },
): number {
  const counts = classCounts({ ...options, numClasses: weights.length });
  return weights.reduce((sum, weight, k) => sum + weight * (counts[k] ?? 0), 0);
}

function classCounts(options: {
  readonly labels: LabelTable;
  readonly label: string;
  readonly numClasses: number;
  readonly samples: Uint32Array;
}): number[] {
  const counts = new Array<number>(options.numClasses).fill(0);
  for (const sample of options.samples) {
    const k = labelOf(options.labels, options.label, sample);
    counts[k] = (counts[k] ?? 0) + 1;
  }
  return counts;
}
