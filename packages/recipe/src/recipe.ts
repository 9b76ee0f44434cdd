// Owns what a recipe is: a model, its losses, its metrics and its augmentation, bound to resolved options. The
// built-in one is the FairFace multitask CNN (./fairface). A recipe is a pure function of its arguments: no clock, no
// Math.random, nothing kept between calls.
//
// B batch, H height, W width, C channels
import type { DatasetSource, LabelSchema, LabelTable, SourceContext } from "@lockstep/dataset";
import type * as tfjs from "@tensorflow/tfjs-core";

export type Tf = typeof tfjs;

/** One tensor of the model: see TensorEntry in packages/protocol, which has the same fields. */
export interface ModelTensor {
  readonly name: string;
  readonly shape: number[];
  readonly kind: "parameter" | "statistic";
  readonly momentum?: number;
  readonly decay?: boolean;
}

export interface MetricRatio {
  readonly name: string;
  readonly numerator: string;
  readonly denominator: string | null;
  readonly squareRoot: boolean;
  readonly unit: string;
}

/** Says which random numbers a micro-batch draws; see packages/numerics, counter-based randomness. */
export interface MicroBatchKey {
  readonly seed: number;
  /** From 0. */
  readonly epoch: number;
  /** Optimizer updates before this step. */
  readonly step: number;
  /** Index of the micro-batch in its step. */
  readonly microBatch: number;
}

export interface MicroBatch {
  readonly key: MicroBatchKey;
  /** Sample indexes into the data set's label table; B of them. */
  readonly samples: Uint32Array;
  /** Position in the epoch of each sample: the counter that augmentation is drawn by; B of them. */
  readonly positions: Uint32Array;
  /** B x H x W x 3, RGB, as decoded. */
  readonly pixels_BHWC: Uint8Array;
}

/** Constants of a whole pass (a step, or a validation pass), computed from all its labels: the losses' denominators. */
export type PassConstants = Readonly<Record<string, number>>;

export interface TrainingResult {
  /** By name of parameter. The caller disposes them. */
  readonly gradients: Readonly<Record<string, tfjs.Tensor>>;
  /** By name of statistic: this micro-batch's value, not yet multiplied by its sample count. The caller disposes them. */
  readonly statistics: Readonly<Record<string, tfjs.Tensor>>;
  /** Metric sums in the order of sumNames. */
  readonly sums: Float64Array;
}

export interface EvaluationResult {
  /** Metric sums in the order of sumNames. */
  readonly sums: Float64Array;
  /** By head: what the model says of each sample, for reports; row-major, B x width. */
  readonly predictions: Readonly<Record<string, { readonly width: number; readonly values: Float32Array }>>;
}

/** What a head says and which label it is judged by: what an evaluation reports. */
export type EvaluatedHead = ClassHead | NumberHead;

/** Its predictions are a logit a class; of two classes, or one logit: that of the second. The greatest is meant, of equals the first. */
export interface ClassHead {
  readonly kind: "classes";
  /** A key of EvaluationResult's predictions. */
  readonly name: string;
  /** A class field of the recipe's labels. */
  readonly label: string;
}

/** Its predictions are one number a sample, in the unit. */
export interface NumberHead {
  readonly kind: "number";
  readonly name: string;
  /** A number field, or a class field with classValues. */
  readonly label: string;
  readonly unit: string;
  /** The number that stands for each class of the label. */
  readonly classValues?: readonly number[] | undefined;
  /** One less than there are classes: a prediction below edge k, and not below the one before, means class k. */
  readonly classEdges?: readonly number[] | undefined;
}

/** A recipe with its options resolved and its data set's labels known. */
export interface Recipe {
  readonly name: string;
  /** Resolved, defaults filled in: part of the run spec. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly tensors: readonly ModelTensor[];
  readonly sumNames: readonly string[];
  readonly metrics: readonly MetricRatio[];
  readonly heads: readonly EvaluatedHead[];

  /** Seeded initial values, by tensor name; float32, row-major. Needs no engine. */
  initialWeights(seed: number): Readonly<Record<string, Float32Array>>;

  /** From the labels of every sample of a pass, before its forward pass. */
  passConstants(samples: Uint32Array): PassConstants;

  /**
   * Forward and backward. The weights are not changed and stay the caller's.
   * @param onForward called between them, once the heads' outputs have left the engine, which waits for it anyway
   */
  train(tf: Tf, weights: Weights, batch: MicroBatch, constants: PassConstants, onForward?: () => void): TrainingResult;

  /** Forward in inference mode: running statistics, no dropout, no augmentation. */
  evaluate(tf: Tf, weights: Weights, batch: MicroBatch, constants: PassConstants): EvaluationResult;
}

/** The model's tensors by name, on the engine. */
export type Weights = Readonly<Record<string, tfjs.Tensor>>;

export interface RecipeDefinition {
  readonly name: string;
  /** What the data set must say of each image. */
  readonly labels: LabelSchema;
  /** Reads the data in a form of the recipe's own; absent: the forms that Lockstep knows. */
  readonly source?: ((context: SourceContext) => DatasetSource | Promise<DatasetSource>) | undefined;
  /** Checks and fills in options; throws UserError that names the flag or field. Options are JSON values. */
  resolveOptions(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  bind(context: {
    readonly options: Readonly<Record<string, unknown>>;
    readonly imageSize: number;
    readonly labels: LabelTable;
    /** Samples of the training part: class weights come from them alone. */
    readonly trainingSamples: Uint32Array;
  }): Recipe;
}
