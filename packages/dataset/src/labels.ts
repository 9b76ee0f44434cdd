// Owns the label schema: the names of FairFace's classes, in FairFace's order, and the table that holds a data set's labels.
// The labels are what annotators perceived, not what people are.

export const labelSchema = {
  gender: ["Male", "Female"],
  race: ["White", "Black", "Latino_Hispanic", "East Asian", "Southeast Asian", "Indian", "Middle Eastern"],
  ageBin: ["0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70"],
  /** Years that stand for each age bin where age is regressed. */
  ageMidpoints: [1, 6, 14.5, 24.5, 34.5, 44.5, 54.5, 64.5, 75],
} as const;

/** Class indexes of every sample, in canonical order. */
export interface LabelTable {
  readonly numSamples: number;
  /** 0 Male, 1 Female: an index into labelSchema.gender. */
  readonly gender: Uint8Array;
  /** 0..6: an index into labelSchema.race. */
  readonly race: Uint8Array;
  /** 0..8: an index into labelSchema.ageBin. */
  readonly ageBin: Uint8Array;
}

/** The labels of one sample, as class indexes. */
export interface SampleLabels {
  readonly gender: number;
  readonly race: number;
  readonly ageBin: number;
}

export function labelsOf(table: LabelTable, sample: number): SampleLabels {
  const gender = table.gender[sample];
  const race = table.race[sample];
  const ageBin = table.ageBin[sample];
  if (gender === undefined || race === undefined || ageBin === undefined) {
    throw new RangeError(`sample ${sample} is not among the ${table.numSamples} of the label table`);
  }
  return { gender, race, ageBin };
}

/** Joint (gender, race, age bin) cells: what a stratified draw keeps the shares of. */
export const numStrata = labelSchema.gender.length * labelSchema.race.length * labelSchema.ageBin.length;

/** 0..numStrata-1. */
export function stratumOf({ gender, race, ageBin }: SampleLabels): number {
  return (gender * labelSchema.race.length + race) * labelSchema.ageBin.length + ageBin;
}
