// batchNormTraining and batchNormInference: batch norm over all dimensions except the last, with the batch's statistics
// in training and the running statistics in inference. If ReLU and a max-pool follow, norm-relu-pool.ts is faster.
//
// C channels
import type { GradSaveFunc, Tensor, Tensor1D } from "@tensorflow/tfjs-core";
import type { Tf } from "../recipe.js";

/** PyTorch's default. */
export const normEpsilon = 1e-5;
/** Weight of a step's statistics in the running statistics; PyTorch's default. */
export const normMomentum = 0.1;

export interface NormParameters {
  /** Shape C. */
  readonly scale: Tensor1D;
  /** Shape C. */
  readonly offset: Tensor1D;
}

export interface NormStatistics {
  /** Shape C. */
  readonly mean: Tensor1D;
  /**
   * Shape C. In training it is the unbiased variance (n / (n - 1) times the biased one), as for PyTorch's running
   * variance. The norm itself uses the biased variance.
   */
  readonly variance: Tensor1D;
}

export interface TrainedNorm<T extends Tensor> {
  readonly y: T;
  /** This batch's statistics. tf.tidy does not dispose them: the caller does. */
  readonly statistics: NormStatistics;
}

/**
 * Copies the statistics to tensors that tf.tidy does not dispose, with the unbiased variance.
 * @param variance_C biased variance
 * @param count number of values of each channel; the unbiased variance of a single value is 0
 */
export function keptStatistics(tf: Tf, mean_C: Tensor1D, variance_C: Tensor1D, count: number): NormStatistics {
  return {
    mean: tf.keep(tf.clone(mean_C)),
    variance: tf.keep(tf.mul(variance_C, count / Math.max(1, count - 1))),
  };
}

/**
 * Differentiable. It defines its own gradient, because differentiating each of its operations takes 1.5 times as long
 * (docs/lab-log.md).
 * @param x any shape that ends with C; y has the same shape
 */
export function batchNormTraining<T extends Tensor>(
  tf: Tf,
  x: T,
  { scale, offset }: NormParameters,
  epsilon = normEpsilon,
): TrainedNorm<T> {
  const others = Array.from({ length: x.rank - 1 }, (_, axis) => axis);
  const count = x.size / (x.shape.at(-1) ?? 1);
  let statistics: NormStatistics | undefined;
  const norm = tf.customGrad<T>((...inputsAndSave) => {
    // customGrad passes the inputs, then the function that saves tensors for the gradient.
    const save = inputsAndSave[3] as unknown as GradSaveFunc;
    const mean_C: Tensor1D = tf.mean(x, others);
    const centered: T = tf.sub(x, mean_C);
    const variance_C: Tensor1D = tf.mean(tf.square(centered), others);
    statistics = keptStatistics(tf, mean_C, variance_C, count);
    const inverse_C: Tensor1D = tf.rsqrt(tf.add(variance_C, epsilon));
    const normed: T = tf.mul(centered, inverse_C);
    save([normed, scale, inverse_C]);
    return {
      value: tf.add(tf.mul(normed, scale), offset),
      gradFunc: (dy, saved) => {
        const [savedNormed, savedScale, savedInverse_C] = saved as [T, Tensor1D, Tensor1D]; // as saved above
        const dOffset_C: Tensor1D = tf.sum(dy, others);
        const dScale_C: Tensor1D = tf.sum(tf.mul(dy, savedNormed), others);
        // dx = scale / sigma * (dy - mean(dy) - normed * mean(dy * normed))
        const centeredGradient: T = tf.sub(dy, tf.div(dOffset_C, count));
        const projected: T = tf.sub(centeredGradient, tf.mul(savedNormed, tf.div(dScale_C, count)));
        return [tf.mul(projected, tf.mul(savedScale, savedInverse_C)), dScale_C, dOffset_C];
      },
    };
  });
  const y = norm(x, scale, offset);
  if (statistics === undefined) throw new Error("batch norm gave no statistics");
  return { y, statistics };
}

/** @param x any shape that ends with C; the result has the same shape */
export function batchNormInference<T extends Tensor>(
  tf: Tf,
  x: T,
  { scale, offset }: NormParameters,
  { mean, variance }: NormStatistics,
): T {
  // tf.batchNorm accepts only ranks 2 to 4.
  const inverse_C: Tensor1D = tf.rsqrt(tf.add(variance, normEpsilon));
  return tf.add(tf.mul(tf.sub(x, mean), tf.mul(scale, inverse_C)), offset);
}
