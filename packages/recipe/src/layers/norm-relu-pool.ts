// normReluPoolTraining and normReluPoolInference: batch norm, ReLU and a 2x2 max-pool with stride 2 as one layer.
// Training uses one fused kernel if the backend has it, else three operations with the same gradients.
//
// B batch, H height, W width, C channels
import type { Tensor1D, Tensor4D } from "@tensorflow/tfjs-core";
import type { Tf } from "../recipe.js";
import {
  batchNormTraining,
  keptStatistics,
  type NormParameters,
  type NormStatistics,
  normEpsilon,
  type TrainedNorm,
} from "./batch-norm.js";

/** A kernel of the torch backend, which also registers its gradient; packages/tfjs-backend-torch/README.md describes it. */
const fusedKernel = "BatchNormReluMaxPool";
const poolSize = 2;

/** @param x_BHWC B x H x W x C with even H and W; y is B x H/2 x W/2 x C */
export function normReluPoolTraining(tf: Tf, x_BHWC: Tensor4D, parameters: NormParameters): TrainedNorm<Tensor4D> {
  // The type of getKernel excludes undefined, but it returns undefined for a kernel that is not registered.
  if (!tf.getKernel(fusedKernel, tf.getBackend())) {
    const { y, statistics } = batchNormTraining(tf, x_BHWC, parameters);
    return { y: reluPool(tf, y), statistics };
  }
  const [y, mean_C, variance_C] = tf
    .engine()
    .runKernel(fusedKernel, { x: x_BHWC, ...parameters }, { epsilon: normEpsilon, poolSize }) as unknown as [
    Tensor4D,
    Tensor1D,
    Tensor1D,
  ];
  return { y, statistics: keptStatistics(tf, mean_C, variance_C, x_BHWC.size / mean_C.size) };
}

/** @param x_BHWC B x H x W x C with even H and W; the result is B x H/2 x W/2 x C */
export function normReluPoolInference(
  tf: Tf,
  x_BHWC: Tensor4D,
  { scale, offset }: NormParameters,
  { mean, variance }: NormStatistics,
): Tensor4D {
  return reluPool(tf, tf.batchNorm(x_BHWC, mean, variance, offset, scale, normEpsilon) as Tensor4D); // the shape of x
}

function reluPool(tf: Tf, normed_BHWC: Tensor4D): Tensor4D {
  return tf.maxPool(tf.relu(normed_BHWC), poolSize, poolSize, "valid");
}
