// Recipe: the interface of a model with its losses, metrics and augmentation, bound to resolved options. The built-in
// recipe is the FairFace multitask CNN (./fairface). Invariant: a recipe is a pure function of its arguments. It uses
// no clock and no Math.random, and keeps no state between calls.
//
// B batch, H height, W width, C channels
import type { DatasetSource, LabelSchema, LabelTable, SourceContext } from "@lockstep/dataset";
import type * as tfjs from "@tensorflow/tfjs-core";

export type Tf = typeof tfjs;

/** One tensor of the model. TensorEntry in packages/protocol has the same fields and documents them. */
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

/** The key of the random numbers that a micro-batch draws; packages/numerics has the counter-based generator. */
export interface MicroBatchKey {
  readonly seed: number;
  /** Counted from 0. */
  readonly epoch: number;
  /** Number of optimizer updates before this step. */
  readonly step: number;
  /** Index of the micro-batch in its step. */
  readonly microBatch: number;
}

export interface MicroBatch {
  readonly key: MicroBatchKey;
  /** Sample indexes into the data set's label table; B of them. */
  readonly samples: Uint32Array;
  /** Position of each sample in the epoch, B of them. Augmentation uses it as the counter of its random numbers. */
  readonly positions: Uint32Array;
  /** Decoded pixels, B x H x W x 3, RGB, 0 to 255. */
  readonly pixels_BHWC: Uint8Array;
}

/** The losses' denominators, computed from the labels of all samples of a pass (a step, or a validation pass). */
export type PassConstants = Readonly<Record<string, number>>;

export interface TrainingResult {
  /** Gradients by name of the parameter. The caller disposes them. */
  readonly gradients: Readonly<Record<string, tfjs.Tensor>>;
  /** This micro-batch's statistics by name, not yet multiplied by its sample count. The caller disposes them. */
  readonly statistics: Readonly<Record<string, tfjs.Tensor>>;
  /** Metric sums in the order of sumNames. */
  readonly sums: Float64Array;
}

export interface EvaluationResult {
  /** Metric sums in the order of sumNames. */
  readonly sums: Float64Array;
  /** The model's predictions by head, for reports: row-major, B x width. */
  readonly predictions: Readonly<Record<string, { readonly width: number; readonly values: Float32Array }>>;
}

/** How an evaluation interprets the predictions of a head, and which label it compares them with. */
export type EvaluatedHead = ClassHead | NumberHead;

/**
 * A head that predicts a class. Its predictions are one logit for each class; the greatest logit is the predicted
 * class, and the first one among equals. A head of two classes may instead have one logit: class 1 is predicted if it
 * is above 0.
 */
export interface ClassHead {
  readonly kind: "classes";
  /** A key of EvaluationResult's predictions. */
  readonly name: string;
  /** A class field of the recipe's labels. */
  readonly label: string;
}

/** A head that predicts a number. Its predictions are one number for each sample, in `unit`. */
export interface NumberHead {
  readonly kind: "number";
  readonly name: string;
  /** A number field of the recipe's labels, or a class field together with classValues. */
  readonly label: string;
  readonly unit: string;
  /** The number that represents each class of the label. */
  readonly classValues?: readonly number[] | undefined;
  /**
   * Ascending limits between the classes, one fewer than classes: a prediction in [edge k - 1, edge k) means class k.
   */
  readonly classEdges?: readonly number[] | undefined;
}

/** A recipe with its options resolved and its data set's labels known. */
export interface Recipe {
  readonly name: string;
  /** Resolved options with the defaults filled in. They are part of the run spec. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly tensors: readonly ModelTensor[];
  readonly sumNames: readonly string[];
  readonly metrics: readonly MetricRatio[];
  readonly heads: readonly EvaluatedHead[];

  /** Seeded initial values by tensor name; float32, row-major. Requires no engine. */
  initialWeights(seed: number): Readonly<Record<string, Float32Array>>;

  /**
   * Computes the constants of a pass from its labels, before its first forward pass.
   * @param samples every sample of the pass, as indexes into the label table
   */
  passConstants(samples: Uint32Array): PassConstants;

  /**
   * Runs the forward and the backward pass. It does not change the weights; the caller keeps ownership of them.
   * @param onForward called between the two passes, after the heads' outputs were downloaded. The download waits for
   *   the forward pass in any case, so the callback adds no wait.
   */
  train(tf: Tf, weights: Weights, batch: MicroBatch, constants: PassConstants, onForward?: () => void): TrainingResult;

  /** Runs the forward pass in inference mode: with running statistics, without dropout and without augmentation. */
  evaluate(tf: Tf, weights: Weights, batch: MicroBatch, constants: PassConstants): EvaluationResult;
}

/** The model's tensors by name, in the engine's memory. */
export type Weights = Readonly<Record<string, tfjs.Tensor>>;

export interface RecipeDefinition {
  readonly name: string;
  /** The labels that the data set must have for each image. */
  readonly labels: LabelSchema;
  /** Reads the data from a form of the recipe's own. If absent, Lockstep's own forms are read. */
  readonly source?: ((context: SourceContext) => DatasetSource | Promise<DatasetSource>) | undefined;
  /**
   * Checks the options and fills in the defaults. Options are JSON values.
   * @throws UserError that names the flag or field
   */
  resolveOptions(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  bind(context: {
    readonly options: Readonly<Record<string, unknown>>;
    readonly imageSize: number;
    readonly labels: LabelTable;
    /** Samples of the training part. Class weights are computed from them alone. */
    readonly trainingSamples: Uint32Array;
  }): Recipe;
}
