// Owns the multitask CNN's forward passes. Blocks of convolution, batch norm, ReLU and max-pool; a dense layer with ReLU
// and dropout; three linear heads.
//
// The age head is linear, not a sigmoid: with an absolute-error loss a sigmoid's slope fades where the ends of the range
// are predicted, and the reference regresses years / 100 linearly, so that figures compare. Nothing clamps it.
//
// B batch, H height, W width, C channels, U dense units, K outputs of a head
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { convolve, convolveImages } from "../layers/convolution.js";
import { dense, dropout, flatten, relu } from "../layers/dense.js";
import { type NormStatistics, normReluPoolInference, normReluPoolTraining } from "../layers/norm-relu-pool.js";
import type { Tf, Weights } from "../recipe.js";
import { type Head, heads } from "./model-tensors.js";

/** B x K by head. */
export type HeadTensors = Readonly<Record<Head, Tensor2D>>;

export interface TrainingPass {
  readonly numBlocks: number;
  /** B x U, see layers/dense.ts; null: no dropout. */
  readonly dropoutMask_BU: Tensor2D | null;
  /** Takes this batch's statistics by name. They are kept beyond any tidy: the caller disposes them. */
  readonly statistics: Record<string, Tensor>;
}

/** Differentiable. */
export function forwardTraining(
  tf: Tf,
  weights: Weights,
  images_BHWC: Tensor4D,
  { numBlocks, dropoutMask_BU, statistics }: TrainingPass,
): HeadTensors {
  let activation_BHWC = images_BHWC;
  for (let block = 1; block <= numBlocks; block++) {
    const convolution = block === 1 ? convolveImages : convolve;
    const convolved_BHWC = convolution(tf, activation_BHWC, named<Tensor4D>(weights, `conv${block}/kernel`));
    const trained = normReluPoolTraining(tf, convolved_BHWC, normParameters(weights, block));
    statistics[`norm${block}/mean`] = trained.statistics.mean;
    statistics[`norm${block}/variance`] = trained.statistics.variance;
    activation_BHWC = trained.y;
  }
  const features_BU = denseFeatures(tf, weights, activation_BHWC);
  const kept_BU = dropoutMask_BU === null ? features_BU : dropout(tf, features_BU, dropoutMask_BU);
  return headOutputs(tf, weights, kept_BU);
}

/** Running statistics, no dropout. */
export function forwardInference(tf: Tf, weights: Weights, images_BHWC: Tensor4D, numBlocks: number): HeadTensors {
  let activation_BHWC = images_BHWC;
  for (let block = 1; block <= numBlocks; block++) {
    const convolved_BHWC = convolve(tf, activation_BHWC, named<Tensor4D>(weights, `conv${block}/kernel`));
    const statistics: NormStatistics = {
      mean: named(weights, `norm${block}/mean`),
      variance: named(weights, `norm${block}/variance`),
    };
    activation_BHWC = normReluPoolInference(tf, convolved_BHWC, normParameters(weights, block), statistics);
  }
  return headOutputs(tf, weights, denseFeatures(tf, weights, activation_BHWC));
}

function denseFeatures(tf: Tf, weights: Weights, activation_BHWC: Tensor4D): Tensor2D {
  return relu(tf, denseNamed(tf, weights, "dense", flatten(tf, activation_BHWC)));
}

function headOutputs(tf: Tf, weights: Weights, features_BU: Tensor2D): HeadTensors {
  // Object.fromEntries forgets which keys it was given: these are all the heads.
  return Object.fromEntries(heads.map((head) => [head, denseNamed(tf, weights, head, features_BU)])) as HeadTensors;
}

function denseNamed(tf: Tf, weights: Weights, layer: string, x_BF: Tensor2D): Tensor2D {
  return dense(tf, x_BF, named<Tensor2D>(weights, `${layer}/kernel`), named<Tensor1D>(weights, `${layer}/bias`));
}

function normParameters(weights: Weights, block: number): { scale: Tensor1D; offset: Tensor1D } {
  return { scale: named(weights, `norm${block}/scale`), offset: named(weights, `norm${block}/offset`) };
}

/** The rank is the layout's: see model-tensors.ts. */
function named<T extends Tensor>(weights: Weights, name: string): T {
  const weight = weights[name];
  if (weight === undefined) throw new Error(`weights lack ${name}; there are ${Object.keys(weights).join(", ")}`);
  return weight as T;
}
