// ModelPasses: the interface of a model to assembleRecipe: its tensors and its two forward passes. trace.ts implements
// it for a model that is written with Net, and ../tfjs-layers for a model of tfjs-layers.
//
// B batch, H height, W width, C channels, K outputs of a head
import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import type { MicroBatchKey, Tf, Weights } from "../recipe.js";
import type { InitialisedTensor } from "./initialiser.js";

/** Outputs by head, each B x K. */
export type HeadTensors = Readonly<Record<string, Tensor>>;

export interface ModelPasses {
  readonly tensors: readonly InitialisedTensor[];
  /** Number of outputs K by head. */
  readonly widths: Readonly<Record<string, number>>;
  /** Differentiable with respect to the weights. */
  forwardTraining(tf: Tf, weights: Weights, images_BHWC: Tensor4D, pass: TrainingPass): HeadTensors;
  /** Uses running statistics and no dropout. */
  forwardInference(tf: Tf, weights: Weights, images_BHWC: Tensor4D): HeadTensors;
}

export interface TrainingPass {
  readonly key: MicroBatchKey;
  /** The pass adds this batch's statistics by name. tf.tidy does not dispose them: the caller does. */
  readonly statistics: Record<string, Tensor>;
}

/** @throws Error if there is no weight of that name. The caller asserts the tensor's rank by T. */
export function weightNamed<T extends Tensor>(weights: Weights, name: string): T {
  const weight = weights[name];
  if (weight === undefined) throw new Error(`weights lack ${name}; there are ${Object.keys(weights).join(", ")}`);
  return weight as T;
}
