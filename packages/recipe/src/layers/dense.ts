// Owns the dense layer, ReLU, dropout by a given mask, and flattening, each with its gradient.
//
// B batch, H height, W width, C channels, F features in, U units out
import type { Tensor1D, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
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

/** The gradient at zero is zero, as in PyTorch. */
export function relu(tf: Tf, x_BU: Tensor2D): Tensor2D {
  return differentiable<[Tensor2D], Tensor2D, [Tensor2D]>(tf, [x_BU], () => {
    const y_BU = tf.relu(x_BU);
    return { value: y_BU, saved: [y_BU], gradient: (dy_BU, [y]) => [tf.mul(dy_BU, tf.step(y))] };
  });
}

/** Multiplies with a mask of zeros and 1 / (1 - rate); the mask stays the caller's. */
export function dropout(tf: Tf, x_BU: Tensor2D, mask_BU: Tensor2D): Tensor2D {
  return differentiable<[Tensor2D], Tensor2D, [Tensor2D]>(tf, [x_BU], () => ({
    value: tf.mul(x_BU, mask_BU),
    saved: [mask_BU],
    gradient: (dy_BU, [mask]) => [tf.mul(dy_BU, mask)],
  }));
}

/** B x H x W x C to B x (H W C). */
export function flatten(tf: Tf, x_BHWC: Tensor4D): Tensor2D {
  const shape = x_BHWC.shape;
  return differentiable<[Tensor4D], Tensor2D, []>(tf, [x_BHWC], () => ({
    value: tf.reshape(x_BHWC, [shape[0], shape[1] * shape[2] * shape[3]]),
    saved: [],
    gradient: (dy_BF) => [tf.reshape(dy_BF, shape)],
  }));
}
