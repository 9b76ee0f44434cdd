// tinyCnnGradients: computes the loss and the gradients of a small convolutional network with batch norm and three
// heads, on the current backend; for tests.
//
// B batch, H height, W width, C channels, F features, K classes
import * as tf from "@tensorflow/tfjs-core";
import { batchNormReluMaxPool } from "../batch-norm-relu-max-pool.js";

/** Values in [-1, 1) from a seed, by a linear congruential generator. */
export function values(seed: number, length: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

export interface TinyCnnOptions {
  readonly batch: number;
  readonly size: number;
  readonly channels: readonly [number, number];
  /** Whether to use the fused kernel, which only the torch backend has. */
  readonly fusedNorm: boolean;
}

const epsilon = 1e-5;
const numClasses = 7;

function parameterShapes({ size, channels: [first, second] }: TinyCnnOptions): Record<string, number[]> {
  const features = 24;
  return {
    "block1/filter": [3, 3, 3, first],
    "block1/bias": [first],
    "block1/scale": [first],
    "block1/offset": [first],
    "block2/filter": [3, 3, first, second],
    "block2/bias": [second],
    "block2/scale": [second],
    "block2/offset": [second],
    "dense/kernel": [(size >> 2) ** 2 * second, features],
    "dense/bias": [features],
    "race/kernel": [features, numClasses],
    "race/bias": [numClasses],
    "gender/kernel": [features, 1],
    "age/kernel": [features, 1],
  };
}

/** Returns the loss, and the gradients by the name of the parameter as arrays. Disposes all tensors. */
export function tinyCnnGradients(options: TinyCnnOptions): { loss: number; gradients: Record<string, Float32Array> } {
  const shapes = Object.entries(parameterShapes(options));
  return tf.tidy(() => {
    const parameters = shapes.map(([name, shape], i) => {
      const around = name.endsWith("scale") ? 1 : 0;
      const values_ = values(i + 1, tf.util.sizeFromShape(shape)).map((value) => around + 0.3 * value);
      return tf.tensor(values_, shape);
    });
    const { batch, size } = options;
    const images_BHWC = tf.tensor4d(values(100, batch * size * size * 3), [batch, size, size, 3]);
    const loss = (...tensors: tf.Tensor[]): tf.Scalar => {
      const named = Object.fromEntries(shapes.map(([name], i) => [name, tensors[i] as tf.Tensor]));
      return tinyCnnLoss((name) => named[name] as tf.Tensor, images_BHWC, options.fusedNorm);
    };
    const { value, grads } = tf.valueAndGrads(loss)(parameters);
    const gradients = Object.fromEntries(
      shapes.map(([name], i) => [name, (grads[i] as tf.Tensor).dataSync<"float32">()]),
    );
    return { loss: value.dataSync()[0] ?? Number.NaN, gradients };
  });
}

function tinyCnnLoss(parameter: (name: string) => tf.Tensor, images_BHWC: tf.Tensor4D, fusedNorm: boolean): tf.Scalar {
  let x_BHWC = images_BHWC;
  for (const block of ["block1", "block2"]) {
    const filter = parameter(`${block}/filter`) as tf.Tensor4D;
    const scale_C = parameter(`${block}/scale`) as tf.Tensor1D;
    const offset_C = parameter(`${block}/offset`) as tf.Tensor1D;
    const z_BHWC = tf.add(tf.conv2d(x_BHWC, filter, 1, "same"), parameter(`${block}/bias`)) as tf.Tensor4D;
    x_BHWC = (fusedNorm ? fused : composed)(z_BHWC, scale_C, offset_C);
  }
  const [batch] = x_BHWC.shape;
  const flat_BF = tf.reshape(x_BHWC, [batch, -1]);
  const dense_BF = tf.relu(tf.add(tf.matMul(flat_BF, parameter("dense/kernel")), parameter("dense/bias")));
  const race_BK = tf.add(tf.matMul(dense_BF, parameter("race/kernel")), parameter("race/bias"));
  const classes = tf.oneHot(
    tf.tensor1d(Int32Array.from({ length: batch }, (_, i) => (i * 3) % numClasses)),
    numClasses,
  );
  const raceLoss = tf.neg(tf.mean(tf.sum(tf.mul(classes, tf.logSoftmax(race_BK)), 1)));
  const labels_B1 = tf.tensor2d(
    Float32Array.from({ length: batch }, (_, i) => i % 2),
    [batch, 1],
  );
  const genderLoss = tf.losses.sigmoidCrossEntropy(labels_B1, tf.matMul(dense_BF, parameter("gender/kernel")));
  const age_B1 = tf.sigmoid(tf.matMul(dense_BF, parameter("age/kernel")));
  const ageLoss = tf.mean(tf.abs(tf.sub(age_B1, 0.37)));
  return tf.addN([raceLoss, genderLoss, ageLoss] as tf.Tensor[]) as tf.Scalar;
}

function fused(x_BHWC: tf.Tensor4D, scale_C: tf.Tensor1D, offset_C: tf.Tensor1D): tf.Tensor4D {
  return batchNormReluMaxPool(x_BHWC, scale_C, offset_C, epsilon).y;
}

/** The same, composed of TensorFlow.js' own operations. */
export function composed(x_BHWC: tf.Tensor4D, scale_C: tf.Tensor1D, offset_C: tf.Tensor1D): tf.Tensor4D {
  const { mean, variance } = tf.moments(x_BHWC, [0, 1, 2]);
  const normal = tf.batchNorm(x_BHWC, mean as tf.Tensor1D, variance as tf.Tensor1D, offset_C, scale_C, epsilon);
  return tf.maxPool(tf.relu(normal), 2, 2, "valid");
}
