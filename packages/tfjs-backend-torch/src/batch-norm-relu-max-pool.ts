// batchNormReluMaxPool: the fused batch norm, ReLU and max-pool as a TensorFlow.js operation with a gradient.
//
// N batch, H height, W width, C channels
import { engine, type NamedTensorMap, type Tensor, type Tensor1D, type Tensor4D } from "@tensorflow/tfjs-core";

/**
 * Batch norm with the batch's own statistics (biased variance), ReLU, and a 2x2 max-pool with stride 2.
 * @param x float32, N H W C. H and W are at least 2; an odd last row or column is in no window.
 * @param scale C
 * @param offset C
 * @returns y, N H/2 W/2 C, which has gradients; and the batch's mean and biased variance, C, which have none. The
 *   caller disposes all three.
 */
export function batchNormReluMaxPool(
  x: Tensor4D,
  scale: Tensor1D,
  offset: Tensor1D,
  epsilon: number,
): { y: Tensor4D; mean: Tensor1D; variance: Tensor1D } {
  const inputs = { x, scale, offset } as unknown as NamedTensorMap;
  const outputs = engine().runKernel("BatchNormReluMaxPool", inputs, { epsilon, poolSize: 2 }) as unknown as Tensor[];
  const [y, mean, variance] = outputs as [Tensor4D, Tensor1D, Tensor1D];
  return { y, mean, variance };
}
