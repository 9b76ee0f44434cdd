// batchNormTraining and batchNormInference: batch norm over all dimensions but the last, by the batch's statistics in training
// and by running ones in inference. Where ReLU and a max-pool follow, norm-relu-pool.ts is faster.
//
// C channels
import type { GradSaveFunc, Tensor, Tensor1D } from "@tensorflow/tfjs-core";
import type { Tf } from "../recipe.js";

/** PyTorch's. */
export const normEpsilon = 1e-5;
/** Weight of a step's value in the running statistics, PyTorch's. */
export const normMomentum = 0.1;

export interface NormParameters {
  /** C */
  readonly scale: Tensor1D;
  /** C */
  readonly offset: Tensor1D;
}

export interface NormStatistics {
  /** C */
  readonly mean: Tensor1D;
  /** C. In training the unbiased one, n / (n - 1), as PyTorch's running variance takes it; the norm itself uses the biased one. */
  readonly variance: Tensor1D;
}

export interface TrainedNorm<T extends Tensor> {
  readonly y: T;
  /** Of this batch; kept beyond the tidy: the caller disposes them. */
  readonly statistics: NormStatistics;
}

/** @param variance_C biased @param count values of each channel; the unbiased variance of a single value is 0 */
export function keptStatistics(tf: Tf, mean_C: Tensor1D, variance_C: Tensor1D, count: number): NormStatistics {
  return {
    mean: tf.keep(tf.clone(mean_C)),
    variance: tf.keep(tf.mul(variance_C, count / Math.max(1, count - 1))),
  };
}

/**
 * x: any shape that ends with C; gives the same. Differentiable.
 *
 * It brings its own gradient: to differentiate each of its operations takes 1.5 times as long (docs/lab-log.md).
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
    // customGrad calls with the inputs and, last, the function that saves tensors for the gradient.
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
        const centeredSlope: T = tf.sub(dy, tf.div(dOffset_C, count));
        const projected: T = tf.sub(centeredSlope, tf.mul(savedNormed, tf.div(dScale_C, count)));
        return [tf.mul(projected, tf.mul(savedScale, savedInverse_C)), dScale_C, dOffset_C];
      },
    };
  });
  const y = norm(x, scale, offset);
  if (statistics === undefined) throw new Error("batch norm gave no statistics");
  return { y, statistics };
}

/** x: any shape that ends with C; gives the same. */
export function batchNormInference<T extends Tensor>(
  tf: Tf,
  x: T,
  { scale, offset }: NormParameters,
  { mean, variance }: NormStatistics,
): T {
  // tf.batchNorm takes no rank but 2 to 4.
  const inverse_C: Tensor1D = tf.rsqrt(tf.add(variance, normEpsilon));
  return tf.add(tf.mul(tf.sub(x, mean), tf.mul(scale, inverse_C)), offset);
}
