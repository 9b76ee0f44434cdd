// Owns class weights: how much each class of a label counts in a loss, and what they sum to over a pass.
import { type LabelTable, labelOf } from "@lockstep/dataset";

/** Inverse frequency, n / (K count): 1 on average over the training part. A class that never occurs there weighs as if it did once. */
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

/** The weights' sum over the samples. By class, so that the order of the samples is no matter. */
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
