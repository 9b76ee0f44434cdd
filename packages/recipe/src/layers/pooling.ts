// Owns pooling without a norm in front, with its gradients.
//
// B batch, H height, W width, C channels
import type { Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import type { Tf } from "../recipe.js";
import { differentiable } from "./differentiable.js";

/** Windows of `size` that do not overlap; what does not fill one is left out. Of equal entries the first is the greatest. */
export function maxPool(tf: Tf, x_BHWC: Tensor4D, size: number): Tensor4D {
  return differentiable<[Tensor4D], Tensor4D, [Tensor4D, Tensor4D]>(tf, [x_BHWC], () => {
    const y: Tensor4D = tf.maxPool(x_BHWC, size, size, "valid");
    return {
      value: y,
      saved: [x_BHWC, y],
      gradient: (dy, [input, output]) => {
        const attributes = { filterSize: [size, size], strides: [size, size], pad: "valid" };
        return [tf.engine().runKernel(tf.MaxPoolGrad, { dy, input, output }, attributes) as Tensor4D]; // the shape of input
      },
    };
  });
}

/** The mean over height and width: B x C. */
export function globalAveragePool(tf: Tf, x_BHWC: Tensor4D): Tensor2D {
  const [B, H, W, C] = x_BHWC.shape;
  return differentiable<[Tensor4D], Tensor2D, []>(tf, [x_BHWC], () => ({
    value: tf.mean(x_BHWC, [1, 2]),
    saved: [],
    gradient: (dy_BC) => [tf.tile(tf.reshape(tf.mul(dy_BC, 1 / (H * W)), [B, 1, 1, C]) as Tensor4D, [1, H, W, 1])],
  }));
}
