// Computes the report about one head (reportHead): its figures, the figures of a constant guess as a baseline, and
// confidence intervals. Pure.
import { bootstrapIntervals, type Interval } from "./bootstrap.js";
import { type Classification, cellsOf, classify, majorityShare, scoresOf } from "./classification.js";
import type { ClassHeadResult, ClassPairs, HeadResult, NumberHeadResult } from "./head-result.js";
import { constantErrors, errorsOf, isWithinOne, type NumberErrors, numberErrors } from "./number-errors.js";

/** 95% confidence intervals; null if no resamples were requested. */
export type Intervals<Name extends string> = Readonly<Record<Name, Interval>> | null;

export type HeadReport = ClassReport | NumberReport;

export interface ClassReport extends Classification {
  readonly kind: "classes";
  readonly label: string;
  /** Baseline: the accuracy of always predicting the most frequent class. */
  readonly floor: { readonly accuracy: number };
  readonly intervals: Intervals<"accuracy" | "macroF1">;
}

export interface NumberReport extends NumberErrors {
  readonly kind: "number";
  readonly label: string;
  /** Unit of mae, rmse and bias. */
  readonly unit: string;
  /** Baseline: the MAE of always predicting the median, and the RMSE of always predicting the mean. */
  readonly floor: { readonly mae: number; readonly rmse: number };
  readonly intervals: Intervals<"mae" | "rmse">;
  /**
   * Compares the label's classes with the classes that the predicted numbers fall into; null if the head has no class
   * edges.
   */
  readonly bins: BinReport | null;
}

export interface BinReport extends Classification {
  /** Share of the samples whose predicted class is the actual class or one of its neighbours. */
  readonly withinOne: number;
  /** Baseline: the accuracy of always predicting the most frequent class. */
  readonly floor: { readonly accuracy: number };
  readonly intervals: Intervals<"accuracy" | "macroF1" | "withinOne">;
}

/** @param resamples number of bootstrap resamples; 0 means no intervals */
export function reportHead(head: HeadResult, resamples: number): HeadReport {
  return head.kind === "classes" ? reportClasses(head, resamples) : reportNumbers(head, resamples);
}

function reportClasses(head: ClassHeadResult, resamples: number): ClassReport {
  const classification = classify(head.actual, head.predicted, head.classes);
  return {
    kind: "classes",
    label: head.label,
    ...classification,
    floor: { accuracy: majorityShare(classification) },
    intervals: intervalsOf(head.actual.length, resamples, countFigures(head, scoresOf)),
  };
}

function reportNumbers({ label, unit, actual, predicted, bins }: NumberHeadResult, resamples: number): NumberReport {
  return {
    kind: "number",
    label,
    unit,
    ...numberErrors(actual, predicted),
    floor: constantErrors(actual),
    intervals: intervalsOf(actual.length, resamples, errorFigures(errorsOf(actual, predicted))),
    bins: bins === null ? null : reportBins(bins, resamples),
  };
}

function reportBins(pairs: ClassPairs, resamples: number): BinReport {
  const { actual, predicted, classes } = pairs;
  const classification = classify(actual, predicted, classes);
  return {
    ...classification,
    withinOne: withinOneOf(classification.confusion.counts.flat(), classes.length),
    floor: { accuracy: majorityShare(classification) },
    intervals: intervalsOf(actual.length, resamples, countFigures(pairs, binScoresOf)),
  };
}

function intervalsOf<Name extends string>(
  numSamples: number,
  resamples: number,
  figures: (draws: Uint32Array) => Readonly<Record<Name, number>>,
): Intervals<Name> {
  return resamples === 0 ? null : bootstrapIntervals({ numSamples, resamples, figures });
}

function countFigures<Figures>(
  { actual, predicted, classes }: ClassPairs,
  figuresOf: (counts_KK: Uint32Array, numClasses: number) => Figures,
): (draws: Uint32Array) => Figures {
  const cells = cellsOf(actual, predicted, classes.length);
  const counts_KK = new Uint32Array(classes.length ** 2);
  return (draws: Uint32Array) => {
    counts_KK.fill(0);
    for (let i = 0; i < draws.length; i++) {
      const cell = cells[draws[i] ?? 0] ?? 0;
      counts_KK[cell] = (counts_KK[cell] ?? 0) + 1;
    }
    return figuresOf(counts_KK, classes.length);
  };
}

function binScoresOf(counts_KK: Uint32Array, numClasses: number) {
  return { ...scoresOf(counts_KK, numClasses), withinOne: withinOneOf(counts_KK, numClasses) };
}

function errorFigures(errors: Float64Array) {
  return (draws: Uint32Array) => {
    let [absolute, squared] = [0, 0];
    for (let i = 0; i < draws.length; i++) {
      const error = errors[draws[i] ?? 0] ?? Number.NaN;
      absolute += Math.abs(error);
      squared += error * error;
    }
    return { mae: absolute / draws.length, rmse: Math.sqrt(squared / draws.length) };
  };
}

function withinOneOf(counts_KK: ArrayLike<number>, numClasses: number): number {
  let [near, total] = [0, 0];
  for (let cell = 0; cell < counts_KK.length; cell++) {
    const count = counts_KK[cell] ?? 0;
    total += count;
    if (isWithinOne(Math.floor(cell / numClasses), cell % numClasses)) near += count;
  }
  return near / total;
}
