// Owns what a model is to the assembly of a recipe: its tensors and its two forward passes. A model written with layers by
// name (net.ts) and one of tfjs-layers (../tfjs-layers) both come to this.
//
// B batch, H height, W width, C channels, K outputs of a head
import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import type { MicroBatchKey, Tf, Weights } from "../recipe.js";
import type { InitialisedTensor } from "./initialiser.js";

/** B x K by head. */
export type HeadTensors = Readonly<Record<string, Tensor>>;

export interface ModelPasses {
  readonly tensors: readonly InitialisedTensor[];
  /** K by head, as the model is. */
  readonly widths: Readonly<Record<string, number>>;
  /** Differentiable in the weights. */
  forwardTraining(tf: Tf, weights: Weights, images_BHWC: Tensor4D, pass: TrainingPass): HeadTensors;
  /** Running statistics, no dropout. */
  forwardInference(tf: Tf, weights: Weights, images_BHWC: Tensor4D): HeadTensors;
}

export interface TrainingPass {
  readonly key: MicroBatchKey;
  /** Takes this batch's statistics by name. They are kept beyond any tidy: the caller disposes them. */
  readonly statistics: Record<string, Tensor>;
}

/** The rank is the layout's. */
export function weightNamed<T extends Tensor>(weights: Weights, name: string): T {
  const weight = weights[name];
  if (weight === undefined) throw new Error(`weights lack ${name}; there are ${Object.keys(weights).join(", ")}`);
  return weight as T;
}
