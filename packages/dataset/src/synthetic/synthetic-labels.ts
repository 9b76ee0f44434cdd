// Draws the labels of the embedded data set (syntheticLabels). As in FairFace, races are unequally frequent and ages
// have their peak at 20-29, so that a comparison with a model that always predicts the most frequent class is
// meaningful.
import { CounterRandom, randomDomain } from "@lockstep/numerics";
import type { fairfaceClasses } from "../fairface/fairface-labels.js";

/** Class indexes of one sample. */
export type FairfaceLabels = Readonly<Record<keyof typeof fairfaceClasses, number>>;

/** Share of each class, in the schema's order. Each row sums to 1. */
export const syntheticShares = {
  gender: [0.53, 0.47],
  race: [0.24, 0.16, 0.15, 0.14, 0.12, 0.11, 0.08],
  ageBin: [0.03, 0.12, 0.11, 0.29, 0.2, 0.12, 0.07, 0.04, 0.02],
} as const satisfies Record<keyof FairfaceLabels, readonly number[]>;

/** Draws the three labels independently of one another. */
export function syntheticLabels(seed: number, index: number): FairfaceLabels {
  const random = new CounterRandom(seed, randomDomain.syntheticLabels, index);
  return {
    gender: classAt(syntheticShares.gender, random.uniform(0)),
    race: classAt(syntheticShares.race, random.uniform(1)),
    ageBin: classAt(syntheticShares.ageBin, random.uniform(2)),
  };
}

/** Divides [0, 1) into intervals as long as the shares, and returns the class whose interval contains the number. */
function classAt(shares: readonly number[], uniform: number): number {
  let end = 0;
  for (const [index, share] of shares.entries()) {
    end += share;
    if (uniform < end) return index;
  }
  return shares.length - 1; // because of rounding, the sum of the shares may be slightly below 1
}
