// Owns the dense layer, the bias of a convolution, ReLU, dropout by a given mask, and flattening, each with its gradient.
//
// B batch, H height, W width, C channels, F features in, U units out
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import type { Tf } from "../recipe.js";
import { differentiable } from "./differentiable.js";

/** x: B x F, kernel: F x U, bias: U; gives B x U. */
export function dense(tf: Tf, x_BF: Tensor2D, kernel_FU: Tensor2D, bias_U: Tensor1D): Tensor2D {
  return differentiable<[Tensor2D, Tensor2D, Tensor1D], Tensor2D, [Tensor2D, Tensor2D]>(
    tf,
    [x_BF, kernel_FU, bias_U],
    () => ({
      value: tf.add(tf.matMul(x_BF, kernel_FU), bias_U),
      saved: [x_BF, kernel_FU],
      gradient: (dy_BU, [x, kernel]) => [
        tf.matMul(dy_BU, kernel, false, true),
        tf.matMul(x, dy_BU, true, false),
        tf.sum(dy_BU, 0),
      ],
    }),
  );
}

/** Without a bias: B x F, F x U; gives B x U. */
export function multiply(tf: Tf, x_BF: Tensor2D, kernel_FU: Tensor2D): Tensor2D {
  return differentiable<[Tensor2D, Tensor2D], Tensor2D, [Tensor2D, Tensor2D]>(tf, [x_BF, kernel_FU], () => ({
    value: tf.matMul(x_BF, kernel_FU),
    saved: [x_BF, kernel_FU],
    gradient: (dy_BU, [x, kernel]) => [tf.matMul(dy_BU, kernel, false, true), tf.matMul(x, dy_BU, true, false)],
  }));
}

/** Adds to each pixel: B x H x W x C, C. */
export function addBias(tf: Tf, x_BHWC: Tensor4D, bias_C: Tensor1D): Tensor4D {
  return differentiable<[Tensor4D, Tensor1D], Tensor4D, []>(tf, [x_BHWC, bias_C], () => ({
    value: tf.add(x_BHWC, bias_C),
    saved: [],
    gradient: (dy) => [tf.clone(dy), tf.sum(dy, [0, 1, 2])],
  }));
}

/** The gradient at zero is zero, as in PyTorch. */
export function relu<T extends Tensor>(tf: Tf, x: T): T {
  return differentiable<[T], T, [T]>(tf, [x], () => {
    const y: T = tf.relu(x);
    return { value: y, saved: [y], gradient: (dy, [positive]) => [tf.mul(dy, tf.step(positive))] };
  });
}

/** Multiplies with a mask of zeros and 1 / (1 - rate); the mask stays the caller's. */
export function dropout<T extends Tensor>(tf: Tf, x: T, mask: T): T {
  return differentiable<[T], T, [T]>(tf, [x], () => ({
    value: tf.mul(x, mask),
    saved: [mask],
    gradient: (dy, [kept]) => [tf.mul(dy, kept)],
  }));
}

/** B x H x W x C, or any other shape, to B x the rest. */
export function flatten<T extends Tensor>(tf: Tf, x: T): Tensor2D {
  const { shape } = x;
  const [B = 1, ...rest] = shape as number[];
  return differentiable<[T], Tensor2D, []>(tf, [x], () => ({
    value: tf.reshape(x, [B, rest.reduce((product, side) => product * side, 1)]),
    saved: [],
    gradient: (dy_BF) => [tf.reshape(dy_BF, shape) as T], // the shape of x
  }));
}
