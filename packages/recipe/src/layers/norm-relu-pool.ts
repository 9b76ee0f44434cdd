// Owns batch norm + ReLU + 2x2 max-pool, stride 2, as one layer: in training by the backend's fused pair of kernels where it
// has them, else composed of tfjs ops with the same gradients; in inference by running statistics.
//
// B batch, H height, W width, C channels
import type { Tensor1D, Tensor4D } from "@tensorflow/tfjs-core";
import type { Tf } from "../recipe.js";
import { type NormParameters, type NormStatistics, normEpsilon, type TrainedNorm, unbiased } from "./batch-norm.js";
import { differentiable } from "./differentiable.js";

const fusedForward = "BatchNormReluMaxPool";
const fusedBackward = "BatchNormReluMaxPoolGrad";
const poolSize = 2;

/** x: B x H x W x C, H and W even; y: B x H/2 x W/2 x C. */
export function normReluPoolTraining(tf: Tf, x_BHWC: Tensor4D, parameters: NormParameters): TrainedNorm<Tensor4D> {
  let statistics: NormStatistics | undefined;
  const count = x_BHWC.shape[0] * x_BHWC.shape[1] * x_BHWC.shape[2];
  const keepStatistics = (mean_C: Tensor1D, biasedVariance_C: Tensor1D) => {
    statistics = { mean: tf.keep(tf.clone(mean_C)), variance: tf.keep(tf.mul(biasedVariance_C, unbiased(count))) };
  };
  const y = hasFusedKernels(tf)
    ? fused(tf, x_BHWC, parameters, keepStatistics)
    : composed(tf, x_BHWC, parameters, keepStatistics);
  if (statistics === undefined) throw new Error("batch norm gave no statistics");
  return { y, statistics };
}

/** x: B x H x W x C, H and W even; gives B x H/2 x W/2 x C. Not differentiable. */
export function normReluPoolInference(
  tf: Tf,
  x_BHWC: Tensor4D,
  { scale, offset }: NormParameters,
  { mean, variance }: NormStatistics,
): Tensor4D {
  const normed_BHWC = tf.batchNorm(x_BHWC, mean, variance, offset, scale, normEpsilon) as Tensor4D; // The shape of x.
  return tf.maxPool(tf.relu(normed_BHWC), poolSize, poolSize, "valid");
}

function hasFusedKernels(tf: Tf): boolean {
  const backend = tf.getBackend();
  // getKernel is typed as never undefined, but is a plain look-up.
  return Boolean(tf.getKernel(fusedForward, backend)) && Boolean(tf.getKernel(fusedBackward, backend));
}

type KeepStatistics = (mean_C: Tensor1D, biasedVariance_C: Tensor1D) => void;
type Inputs = [Tensor4D, Tensor1D, Tensor1D];

function fused(tf: Tf, x_BHWC: Tensor4D, { scale, offset }: NormParameters, keep: KeepStatistics): Tensor4D {
  const attributes = { epsilon: normEpsilon, poolSize };
  return differentiable<Inputs, Tensor4D, [...Inputs, Tensor1D, Tensor1D, Tensor4D]>(
    tf,
    [x_BHWC, scale, offset],
    () => {
      // The fused kernels' contract; see docs/architecture.md, tfjs-backend-torch.
      const [y, mean, variance, indices] = tf
        .engine()
        .runKernel(fusedForward, { x: x_BHWC, scale, offset }, attributes) as unknown as [
        Tensor4D,
        Tensor1D,
        Tensor1D,
        Tensor4D,
      ];
      keep(mean, variance);
      return {
        value: y,
        saved: [x_BHWC, scale, offset, mean, variance, indices],
        gradient: (dy, [x, savedScale, savedOffset, savedMean, savedVariance, savedIndices]) =>
          tf.engine().runKernel(
            fusedBackward,
            {
              dy,
              x,
              scale: savedScale,
              offset: savedOffset,
              mean: savedMean,
              variance: savedVariance,
              indices: savedIndices,
            },
            attributes,
          ) as unknown as Inputs, // dx, dscale, doffset: the same contract.
      };
    },
  );
}

function composed(tf: Tf, x_BHWC: Tensor4D, { scale, offset }: NormParameters, keep: KeepStatistics): Tensor4D {
  type Saved = [Tensor4D, Tensor4D, Tensor4D, Tensor1D, Tensor1D];
  return differentiable<Inputs, Tensor4D, Saved>(tf, [x_BHWC, scale, offset], () => {
    const overPixels = [0, 1, 2];
    const mean_C: Tensor1D = tf.mean(x_BHWC, overPixels);
    const centered_BHWC: Tensor4D = tf.sub(x_BHWC, mean_C);
    const variance_C: Tensor1D = tf.mean(tf.square(centered_BHWC), overPixels);
    keep(mean_C, variance_C);
    const inverse_C: Tensor1D = tf.rsqrt(tf.add(variance_C, normEpsilon));
    const normed_BHWC: Tensor4D = tf.mul(centered_BHWC, inverse_C);
    const rectified_BHWC: Tensor4D = tf.relu(tf.add(tf.mul(normed_BHWC, scale), offset));
    const y: Tensor4D = tf.maxPool(rectified_BHWC, poolSize, poolSize, "valid");
    const count = x_BHWC.shape[0] * x_BHWC.shape[1] * x_BHWC.shape[2];
    return {
      value: y,
      saved: [normed_BHWC, rectified_BHWC, y, scale, inverse_C],
      gradient: (dy, [normed, rectified, pooled, savedScale, inverse]) => {
        const dRectified: Tensor4D = maxPoolGradient(tf, dy, rectified, pooled);
        const dScaled: Tensor4D = tf.mul(dRectified, tf.step(rectified));
        const dOffset_C: Tensor1D = tf.sum(dScaled, overPixels);
        const dScale_C: Tensor1D = tf.sum(tf.mul(dScaled, normed), overPixels);
        // dx = scale / sigma * (dz - mean(dz) - normed * mean(dz * normed))
        const centered: Tensor4D = tf.sub(dScaled, tf.div(dOffset_C, count));
        const projected: Tensor4D = tf.sub(centered, tf.mul(normed, tf.div(dScale_C, count)));
        return [tf.mul(projected, tf.mul(savedScale, inverse)), dScale_C, dOffset_C];
      },
    };
  });
}

function maxPoolGradient(tf: Tf, dy: Tensor4D, input: Tensor4D, output: Tensor4D): Tensor4D {
  const attributes = { filterSize: [poolSize, poolSize], strides: [poolSize, poolSize], pad: "valid" };
  return tf.engine().runKernel(tf.MaxPoolGrad, { dy, input, output }, attributes) as Tensor4D; // The shape of input.
}
