// Owns the shape of an evaluation's result and how it is computed from labels and predictions. Pure: reading checkpoint and
// images, and running the model, is evaluate-checkpoint.ts.
import { fairfaceClasses, type LabelTable, labelOf } from "@lockstep/dataset";
import { type AgeErrors, ageBinOf, ageErrors, constantAgeErrors, midpointOf, withinOneBin } from "./age.js";
import { type Classification, classify, majorityShare } from "./classification.js";

/** What a guess that looks at no image scores on the same samples. */
export interface Floors {
  /** Always the most frequent gender. */
  readonly genderAccuracy: number;
  readonly raceAccuracy: number;
  readonly ageBinAccuracy: number;
  /** Years: always the median. */
  readonly ageMae: number;
  /** Years: always the mean. */
  readonly ageRmse: number;
}

export interface TaskReports {
  readonly gender: Classification;
  readonly race: Classification;
  /** The bin that the predicted age falls into. */
  readonly ageBin: Classification & { readonly withinOneBin: number };
  /** Against the bins' midpoints. */
  readonly age: AgeErrors;
  readonly floors: Floors;
}

/** What the model said of each sample, in the order of the samples. */
export interface Predictions {
  /** Index into fairfaceClasses.gender. */
  readonly gender: readonly number[];
  /** Index into fairfaceClasses.race. */
  readonly race: readonly number[];
  /** Years. */
  readonly age: readonly number[];
}

export interface EvaluationReport extends TaskReports {
  readonly checkpoint: {
    readonly path: string;
    /** Optimizer updates. */
    readonly step: number;
    readonly epoch: number;
    readonly weightsSha256: string;
  };
  readonly data: string;
  readonly part: "val" | "test";
  readonly samples: number;
  readonly backend: string;
  readonly device: string;
  /** Of the forward passes, reading of pixels included. */
  readonly seconds: number;
  /** The recipe's own metrics by name, loss among them: what training prints after an epoch. */
  readonly metrics: Readonly<Record<string, number>>;
}

export function reportTasks(labels: LabelTable, samples: Uint32Array, predictions: Predictions): TaskReports {
  const actual = Array.from(samples, (sample) => ({
    gender: labelOf(labels, "gender", sample),
    race: labelOf(labels, "race", sample),
    ageBin: labelOf(labels, "ageBin", sample),
  }));
  const actualBins = actual.map(({ ageBin }) => ageBin);
  const actualYears = actualBins.map(midpointOf);
  const predictedBins = predictions.age.map(ageBinOf);
  const gender = classify(
    actual.map((label) => label.gender),
    predictions.gender,
    fairfaceClasses.gender,
  );
  const race = classify(
    actual.map((label) => label.race),
    predictions.race,
    fairfaceClasses.race,
  );
  const ageBin = classify(actualBins, predictedBins, fairfaceClasses.ageBin);
  const constant = constantAgeErrors(actualYears);
  return {
    gender,
    race,
    ageBin: { ...ageBin, withinOneBin: withinOneBin(actualBins, predictedBins) },
    age: ageErrors(actualYears, predictions.age),
    floors: {
      genderAccuracy: majorityShare(gender),
      raceAccuracy: majorityShare(race),
      ageBinAccuracy: majorityShare(ageBin),
      ageMae: constant.mae,
      ageRmse: constant.rmse,
    },
  };
}
