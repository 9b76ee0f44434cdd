// createScoring: computes the losses, their gradients and the metric sums from the heads' outputs (a few hundred
// numbers). It computes in double precision and in the order of the samples, so that the results are the same on every
// backend.
//
// Invariant: every loss is a sum over samples that is divided by a constant of the whole pass, never by the size of the
// micro-batch. So the loss of a pass is the sum of its micro-batches' losses.
//
// B batch, K outputs of a head
import { type LabelTable, labelOf, labelsOf, type SampleLabels } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import type { EvaluatedHead, EvaluationResult, MetricRatio, PassConstants } from "../recipe.js";
import { inverseFrequency, totalWeight } from "./class-weights.js";
import { type Head, type HeadDeclaration, mean, resolveHead } from "./head.js";

/** A recipe's own metric: the mean of a value over the samples. */
export interface MetricDeclaration {
  /**
   * The value of one sample. It must be a pure function.
   * @param outputs the model's K outputs by head, not multiplied by the head's scale
   * @param labels the sample's labels by field
   */
  value(outputs: Readonly<Record<string, Float32Array>>, labels: SampleLabels): number;
  readonly unit?: string | undefined;
}

/** Outputs by head, or gradients with respect to them; B x K, row-major. */
export type HeadValues = Readonly<Record<string, Float32Array>>;

export interface Scores {
  /** Metric sums in the order of sumNames. */
  readonly sums: Float64Array;
  /** Gradients of the total loss. */
  readonly gradients: HeadValues;
}

export interface Scoring {
  readonly heads: readonly Head[];
  readonly sumNames: readonly string[];
  readonly metrics: readonly MetricRatio[];
  readonly evaluatedHeads: readonly EvaluatedHead[];
  /**
   * The denominators of a pass: the number of its samples, and for each weighted head the sum of their class weights.
   */
  passConstants(samples: Uint32Array): PassConstants;
  /**
   * @param samples the micro-batch's samples, as indexes into the label table
   * @throws UserError if a recipe's own loss returns a gradient of another length
   */
  score(outputs: HeadValues, samples: Uint32Array, constants: PassConstants): Scores;
  /** The predictions in the units of reports: outputs, multiplied by the head's scale. */
  predictions(outputs: HeadValues): EvaluationResult["predictions"];
}

export interface ScoringOptions {
  readonly heads: Readonly<Record<string, HeadDeclaration>>;
  readonly metrics?: Readonly<Record<string, MetricDeclaration>> | undefined;
  readonly labels: LabelTable;
  readonly trainingSamples: Uint32Array;
}

interface WeightedHead extends Head {
  readonly weights: readonly number[] | null;
}

/** @throws UserError that names the head that does not fit its label, or a name that two metrics have */
export function createScoring(options: ScoringOptions): Scoring {
  const { labels, metrics: ownMetrics = {} } = options;
  const heads = Object.entries(options.heads).map(([name, declaration]) => weighted(name, declaration, options));
  const sumNames = [
    "samples",
    "loss",
    ...heads.map(({ name }) => `${name}Loss`),
    ...heads.flatMap(({ measures }) => measures.map(({ sumName }) => sumName)),
    ...Object.keys(ownMetrics),
  ];
  const duplicate = sumNames.find((name, index) => sumNames.indexOf(name) !== index);
  if (duplicate !== undefined)
    throw new UserError(`metric ${duplicate}: two metrics have that name; rename a head or a metric`);

  function score(outputs: HeadValues, samples: Uint32Array, constants: PassConstants): Scores {
    const gradients = Object.fromEntries(
      heads.map(({ name, width }) => [name, new Float32Array(samples.length * width)]),
    );
    const total = Object.fromEntries(sumNames.map((name) => [name, 0]));
    const add = (name: string, value: number) => {
      total[name] = (total[name] ?? Number.NaN) + value;
    };
    samples.forEach((sample, b) => {
      add("samples", 1);
      const rows = rowsOf(heads, outputs, b);
      for (const head of heads) scoreSample({ head, rows, sample, b, constants, gradients, add, labels });
      for (const [name, { value }] of Object.entries(ownMetrics)) add(name, value(rows, labelsOf(labels, sample)));
    });
    total["loss"] = heads.reduce((sum, { name, weight }) => sum + weight * (total[`${name}Loss`] ?? Number.NaN), 0);
    return { sums: Float64Array.from(sumNames, (name) => total[name] ?? Number.NaN), gradients };
  }

  return {
    heads,
    sumNames,
    metrics: [
      plain("loss", heads.find(({ lossUnit }) => lossUnit === "nats")?.lossUnit ?? heads[0]?.lossUnit ?? ""),
      ...heads.map(({ name, lossUnit }) => plain(`${name}Loss`, lossUnit)),
      ...heads.flatMap(({ measures }) => measures.map(({ metric }) => metric)),
      ...Object.entries(ownMetrics).map(([name, { unit = "" }]) => mean(name, name, unit)),
    ],
    evaluatedHeads: heads.map(({ evaluated }) => evaluated),
    passConstants: (samples) => ({
      samples: samples.length,
      ...Object.fromEntries(
        heads.flatMap(({ name, label, weights }) =>
          weights === null ? [] : [[weightName(name), totalWeight(weights, { labels, label, samples })]],
        ),
      ),
    }),
    score,
    predictions: (outputs) =>
      Object.fromEntries(
        heads.map(({ name, width, scale }) => {
          const values = valuesOf(outputs, name);
          return [name, { width, values: scale === 1 ? values : values.map((value) => value * scale) }];
        }),
      ),
  };
}

function weighted(name: string, declaration: HeadDeclaration, options: ScoringOptions): WeightedHead {
  const { labels, trainingSamples } = options;
  const head = resolveHead(name, declaration, labels.schema);
  const { label, classWeights, numClasses } = head;
  if (classWeights === undefined || numClasses === null) return { ...head, weights: null };
  return {
    ...head,
    weights:
      classWeights === "inverse-frequency"
        ? inverseFrequency({ labels, label, numClasses, trainingSamples })
        : classWeights,
  };
}

function scoreSample(context: {
  readonly head: WeightedHead;
  readonly rows: HeadValues;
  readonly sample: number;
  readonly b: number;
  readonly labels: LabelTable;
  readonly constants: PassConstants;
  readonly gradients: Record<string, Float32Array>;
  readonly add: (name: string, value: number) => void;
}): void {
  const { head, rows, sample, b, constants, gradients, add } = context;
  const { name, width, weight, weights } = head;
  const label = labelOf(context.labels, head.label, sample);
  const target = head.targetOf(label);
  const outputs_K = valuesOf(rows, name);
  const { loss, gradient } = head.loss(outputs_K, target);
  if (gradient.length !== width) {
    throw new UserError(
      `head ${name}: its loss returns a gradient of ${gradient.length} numbers for ${width} outputs; return one number for each output`,
    );
  }
  const gradients_BK = valuesOf(gradients, name);
  if (weights === null) {
    const numSamples = constant(constants, "samples", { least: 1 });
    add(`${name}Loss`, loss / numSamples);
    for (let k = 0; k < width; k++) gradients_BK[b * width + k] = (weight * (gradient[k] ?? Number.NaN)) / numSamples;
  } else {
    const total = constant(constants, weightName(name), { least: 0 });
    // Class weights of 0 may make the total 0. Then the loss and the gradients of the pass are 0.
    const share = total === 0 ? 0 : (weights[label] ?? Number.NaN) / total;
    add(`${name}Loss`, share * loss);
    for (let k = 0; k < width; k++) gradients_BK[b * width + k] = weight * share * (gradient[k] ?? Number.NaN);
  }
  for (const { sumName, of } of head.measures) add(sumName, of(outputs_K, target));
}

/** The outputs of sample b, by head. */
function rowsOf(heads: readonly Head[], outputs: HeadValues, b: number): HeadValues {
  return Object.fromEntries(
    heads.map(({ name, width }) => [name, valuesOf(outputs, name).subarray(b * width, (b + 1) * width)]),
  );
}

function plain(name: string, unit: string): MetricRatio {
  return { name, numerator: name, denominator: null, squareRoot: false, unit };
}

function weightName(head: string): string {
  return `${head}Weight`;
}

function valuesOf(values: HeadValues, head: string): Float32Array {
  const found = values[head];
  if (found === undefined) throw new Error(`no values of head ${head}; there are ${Object.keys(values).join(", ")}`);
  return found;
}

function constant(constants: PassConstants, name: string, { least }: { readonly least: number }): number {
  const found = constants[name];
  if (found === undefined || !(found >= least)) {
    throw new Error(`pass constant ${name} is ${found}, must be ${least} or more`);
  }
  return found;
}
