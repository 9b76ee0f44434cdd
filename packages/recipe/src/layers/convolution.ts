// Owns the convolution with its gradient. It has no bias: see addBias in dense.ts. A convolution in front of a batch norm
// needs none, as the norm subtracts any constant again.
//
// B batch, H height, W width, C channels in, D channels out, K kernel side
import type { Tensor4D } from "@tensorflow/tfjs-core";
import type { Tf } from "../recipe.js";
import { differentiable } from "./differentiable.js";

export interface ConvolutionOptions {
  readonly stride: number;
  readonly padding: "same" | "valid";
}

const plainConvolution: ConvolutionOptions = { stride: 1, padding: "same" };

/** x: B x H x W x C, filter: K x K x C x D; gives B x H/stride x W/stride x D with same padding. */
export function convolve(tf: Tf, x_BHWC: Tensor4D, filter_KKCD: Tensor4D, options = plainConvolution): Tensor4D {
  return differentiable<[Tensor4D, Tensor4D], Tensor4D, [Tensor4D, Tensor4D]>(tf, [x_BHWC, filter_KKCD], () => ({
    value: tf.conv2d(x_BHWC, filter_KKCD, options.stride, options.padding),
    saved: [x_BHWC, filter_KKCD],
    gradient: (dy_BHWD, [x, filter]) => [
      inputGradient(tf, x, dy_BHWD, filter, options),
      filterGradient(tf, x, dy_BHWD, filter.shape, options),
    ],
  }));
}

/** The same for a network's input, the images: their gradient, which nobody asks for, is not computed. */
export function convolveImages(tf: Tf, x_BHWC: Tensor4D, filter_KKCD: Tensor4D, options = plainConvolution): Tensor4D {
  const filterShape = filter_KKCD.shape;
  return differentiable<[Tensor4D], Tensor4D, [Tensor4D]>(tf, [filter_KKCD], () => ({
    value: tf.conv2d(x_BHWC, filter_KKCD, options.stride, options.padding),
    saved: [x_BHWC],
    gradient: (dy_BHWD, [x]) => [filterGradient(tf, x, dy_BHWD, filterShape, options)],
  }));
}

function attributes({ stride, padding }: ConvolutionOptions) {
  return { strides: [stride, stride], pad: padding, dataFormat: "NHWC" };
}

function inputGradient(
  tf: Tf,
  x_BHWC: Tensor4D,
  dy_BHWD: Tensor4D,
  filter_KKCD: Tensor4D,
  options: ConvolutionOptions,
): Tensor4D {
  const gradient = tf
    .engine()
    .runKernel(
      tf.Conv2DBackpropInput,
      { dy: dy_BHWD, filter: filter_KKCD },
      { ...attributes(options), inputShape: x_BHWC.shape },
    );
  return gradient as Tensor4D; // The kernel's one output has the shape of x.
}

function filterGradient(
  tf: Tf,
  x_BHWC: Tensor4D,
  dy_BHWD: Tensor4D,
  filterShape: number[],
  options: ConvolutionOptions,
): Tensor4D {
  const gradient = tf
    .engine()
    .runKernel(tf.Conv2DBackpropFilter, { x: x_BHWC, dy: dy_BHWD }, { ...attributes(options), filterShape });
  return gradient as Tensor4D; // The kernel's one output has the shape of the filter.
}
