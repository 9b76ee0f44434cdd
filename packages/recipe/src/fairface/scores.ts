// Owns losses, metric sums and the losses' gradients, as plain numbers: computed in double precision, in the order of the
// samples, from the heads' outputs (a few hundred numbers). So they are the same on every backend, need no tape, and a
// loss's gradient is beside its value.
//
// Every loss is a sum over samples divided by a constant of the whole pass, never by the micro-batch: the sum over the
// micro-batches of a pass is the pass' loss.
//
// B batch, K race classes
import { ageMidpoints, type LabelTable, labelOf } from "@lockstep/dataset";
import type { EvaluatedHead, MetricRatio, PassConstants } from "../recipe.js";
import { type Head, headWidths } from "./model-tensors.js";
import type { FairfaceOptions } from "./options.js";

/** Age is regressed as years over this. */
export const yearsPerUnit = 100;

export const sumNames = [
  "samples",
  "loss",
  "genderLoss",
  "raceLoss",
  "ageLoss",
  "genderCorrect",
  "raceCorrect",
  /** Years. */
  "ageAbsoluteError",
  /** Years squared. */
  "ageSquaredError",
] as const;

const value = (name: string): MetricRatio => ({
  name,
  numerator: name,
  denominator: null,
  squareRoot: false,
  unit: "nats",
});
const share = (name: string, numerator: string): MetricRatio => ({
  name,
  numerator,
  denominator: "samples",
  squareRoot: false,
  unit: "fraction",
});

export const metrics: readonly MetricRatio[] = [
  value("loss"),
  value("genderLoss"),
  value("raceLoss"),
  { ...value("ageLoss"), unit: "years/100" },
  share("genderAccuracy", "genderCorrect"),
  share("raceAccuracy", "raceCorrect"),
  { ...share("ageMae", "ageAbsoluteError"), unit: "years" },
  { ...share("ageRmse", "ageSquaredError"), squareRoot: true, unit: "years" },
];

/** Bins hold whole years lived: 2.9 is "0-2". */
export const evaluatedHeads: readonly EvaluatedHead[] = [
  { kind: "classes", name: "gender", label: "gender" },
  { kind: "classes", name: "race", label: "race" },
  {
    kind: "number",
    name: "age",
    label: "ageBin",
    unit: "years",
    classValues: ageMidpoints,
    classEdges: [3, 10, 20, 30, 40, 50, 60, 70],
  },
];

/** The heads' outputs, or gradients with respect to them: B x headWidths[head], row-major. */
export type HeadValues = Readonly<Record<Head, Float32Array>>;

export interface Scores {
  /** In the order of sumNames. */
  readonly sums: Float64Array;
  /** Of the loss. */
  readonly gradients: HeadValues;
}

/** Inverse frequency, n / (K count): 1 on average over the training part. A class that never occurs there weighs as if it did once. */
export function raceWeights(labels: LabelTable, trainingSamples: Uint32Array): number[] {
  return raceCounts(labels, trainingSamples).map(
    (count) => trainingSamples.length / (headWidths.race * Math.max(1, count)),
  );
}

/** Denominators of a pass: its samples, and the sum of their race weights. By class, so that the order of the samples is no matter. */
export function passConstants(labels: LabelTable, weights: readonly number[], samples: Uint32Array): PassConstants {
  const counts = raceCounts(labels, samples);
  return {
    samples: samples.length,
    raceWeight: weights.reduce((sum, weight, race) => sum + weight * (counts[race] ?? 0), 0),
  };
}

export interface ScoreContext {
  readonly labels: LabelTable;
  readonly samples: Uint32Array;
  readonly constants: PassConstants;
  readonly raceWeights: readonly number[];
  readonly taskWeights: FairfaceOptions["taskWeights"];
}

/** Losses: binary cross-entropy with logits, weighted cross-entropy, absolute error of years / 100. */
export function score(outputs: HeadValues, context: ScoreContext): Scores {
  const { labels, samples, taskWeights } = context;
  const numSamples = constant(context.constants, "samples");
  const raceWeight = constant(context.constants, "raceWeight");
  const gradients = {
    gender: new Float32Array(samples.length),
    race: new Float32Array(samples.length * headWidths.race),
    age: new Float32Array(samples.length),
  };
  const total = Object.fromEntries(sumNames.map((name) => [name, 0])) as Record<(typeof sumNames)[number], number>;
  samples.forEach((sample, b) => {
    const target = {
      gender: labelOf(labels, "gender", sample),
      race: labelOf(labels, "race", sample),
      ageBin: labelOf(labels, "ageBin", sample),
    };
    total.samples += 1;

    const gender = binaryCrossEntropy(at(outputs.gender, b), target.gender);
    total.genderLoss += gender.loss / numSamples;
    total.genderCorrect += Number(predictedGender(at(outputs.gender, b)) === target.gender);
    gradients.gender[b] = (taskWeights.gender * gender.gradient) / numSamples;

    const row = headWidths.race * b;
    const raceLogits_K = outputs.race.subarray(row, row + headWidths.race);
    const race = crossEntropy(raceLogits_K, target.race);
    const weight = (context.raceWeights[target.race] ?? Number.NaN) / raceWeight;
    total.raceLoss += weight * race.loss;
    total.raceCorrect += Number(greatest(raceLogits_K) === target.race);
    gradients.race.set(
      race.gradient_K.map((slope) => taskWeights.race * weight * slope),
      row,
    );

    const error = at(outputs.age, b) - midpointOf(target.ageBin) / yearsPerUnit;
    total.ageLoss += Math.abs(error) / numSamples;
    total.ageAbsoluteError += Math.abs(error) * yearsPerUnit;
    total.ageSquaredError += (error * yearsPerUnit) ** 2;
    gradients.age[b] = (taskWeights.age * Math.sign(error)) / numSamples;
  });
  total.loss =
    taskWeights.gender * total.genderLoss + taskWeights.race * total.raceLoss + taskWeights.age * total.ageLoss;
  return { sums: Float64Array.from(sumNames, (name) => total[name]), gradients };
}

/** An index into labelSchema.gender. */
export function predictedGender(logit: number): number {
  return logit > 0 ? 1 : 0;
}

/** Index of the greatest; of equals, the first. */
export function greatest(values_K: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < values_K.length; k++) if (at(values_K, k) > at(values_K, best)) best = k;
  return best;
}

function binaryCrossEntropy(logit: number, target: number): { loss: number; gradient: number } {
  const decay = Math.exp(-Math.abs(logit));
  const probability = logit >= 0 ? 1 / (1 + decay) : decay / (1 + decay);
  return { loss: Math.max(logit, 0) - logit * target + Math.log1p(decay), gradient: probability - target };
}

function crossEntropy(logits_K: Float32Array, target: number): { loss: number; gradient_K: number[] } {
  const peak = at(logits_K, greatest(logits_K));
  const powers_K = Array.from(logits_K, (logit) => Math.exp(logit - peak));
  const sum = powers_K.reduce((total, power) => total + power, 0);
  return {
    loss: Math.log(sum) + peak - at(logits_K, target),
    gradient_K: powers_K.map((power, k) => power / sum - Number(k === target)),
  };
}

function raceCounts(labels: LabelTable, samples: Uint32Array): number[] {
  const counts = new Array<number>(headWidths.race).fill(0);
  for (const sample of samples) {
    const race = labelOf(labels, "race", sample);
    counts[race] = (counts[race] ?? 0) + 1;
  }
  return counts;
}

function midpointOf(ageBin: number): number {
  return at(ageMidpoints, ageBin);
}

function constant(constants: PassConstants, name: string): number {
  const found = constants[name];
  if (found === undefined || !(found > 0)) throw new Error(`pass constant ${name} is ${found}, must be above 0`);
  return found;
}

function at(values: ArrayLike<number>, index: number): number {
  const found = values[index];
  if (found === undefined) throw new RangeError(`index ${index} is outside of ${values.length} values`);
  return found;
}
