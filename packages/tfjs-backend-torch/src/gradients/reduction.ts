// reductionGradients: the gradients of sums, extremes, scans and softmax. Tile repeats the gradient of a sum on the
// device, so that no array of ones is created on the host.
import * as tf from "@tensorflow/tfjs-core";
import { type Gradients, gradient, masked } from "./gradient.js";

const { mul, reshape, sub, sum, transpose, util, zerosLike } = tf;

type Axis = number | number[];

/** The shape of x with 1 for each axis that was reduced. */
function keptShape(x: tf.Tensor, axes: readonly number[]): number[] {
  return x.shape.map((size, d) => (axes.includes(d) ? 1 : size));
}

/** Repeats dy, which has the reduced shape, over the axes that were reduced. */
function repeated(dy: tf.Tensor, x: tf.Tensor, axis: Axis): tf.Tensor {
  const axes = util.parseAxisParam(axis, x.shape);
  const repeats = x.shape.map((size, d) => (axes.includes(d) ? size : 1));
  return tf.tile(reshape(dy, keptShape(x, axes)), repeats);
}

/** The gradient of Max and Min: every element that equals the extreme gets dy. */
function atExtremes(dy: tf.Tensor, x: tf.Tensor, y: tf.Tensor, axis: Axis): tf.Tensor {
  const kept = keptShape(x, util.parseAxisParam(axis, x.shape));
  return masked(tf.broadcastTo(reshape(dy, kept), x.shape), tf.equal(x, reshape(y, kept)));
}

/**
 * For each element the product of all others along the last axis. Exclusive products from both ends are exact at zeros.
 */
function productOfOthers(x: tf.Tensor): tf.Tensor {
  const last = x.rank - 1;
  return mul(tf.cumprod(x, last, true, false), tf.cumprod(x, last, true, true));
}

function prodGradient(dy: tf.Tensor, x: tf.Tensor, axis: Axis): tf.Tensor {
  const axes = util.parseAxisParam(axis, x.shape);
  const others = x.shape.map((_, d) => d).filter((d) => !axes.includes(d));
  const order = [...others, ...axes];
  const moved = transpose(x, order);
  const rows = others.map((d) => x.shape[d] ?? 1);
  const derivative = productOfOthers(reshape(moved, [...rows, -1]));
  const scaled = mul(reshape(dy, [...rows, 1]), derivative);
  return transpose(
    reshape(scaled, moved.shape),
    order.map((_, d) => order.indexOf(d)),
  );
}

const zero = gradient({ inputs: ["x"] }, (_, [x]) => ({ x: () => zerosLike(x) }));

export const reductionGradients: Gradients = {
  ArgMax: zero,
  ArgMin: zero,
  Cumsum: gradient<{ axis: number; exclusive: boolean; reverse: boolean }>({}, (dy, _, attrs) => ({
    x: () => tf.cumsum(dy, attrs.axis, attrs.exclusive, !attrs.reverse),
  })),
  LogSoftmax: gradient<{ axis: number }>({ outputs: [true] }, (dy, [y], { axis }) => ({
    logits: () => sub(dy, mul(sum(dy, axis, true), tf.exp(y))),
  })),
  Max: gradient<{ reductionIndices: Axis }>({ inputs: ["x"], outputs: [true] }, (dy, [x, y], attrs) => ({
    x: () => atExtremes(dy, x, y, attrs.reductionIndices),
  })),
  Mean: gradient<{ axis: Axis }>({ inputs: ["x"] }, (dy, [x], { axis }) => ({
    x: () => {
      const count = util.parseAxisParam(axis, x.shape).reduce((product, d) => product * (x.shape[d] ?? 1), 1);
      return repeated(tf.div(dy, count), x, axis);
    },
  })),
  Min: gradient<{ axis: Axis }>({ inputs: ["x"], outputs: [true] }, (dy, [x, y], { axis }) => ({
    x: () => atExtremes(dy, x, y, axis),
  })),
  Prod: gradient<{ axis: Axis }>({ inputs: ["x"] }, (dy, [x], { axis }) => ({ x: () => prodGradient(dy, x, axis) })),
  Softmax: gradient<{ dim: number }>({ outputs: [true] }, (dy, [y], { dim }) => ({
    logits: () => {
      const weighted = mul(dy, y);
      return sub(weighted, mul(sum(weighted, [dim], true), y));
    },
  })),
  Sum: gradient<{ axis: Axis }>({ inputs: ["x"] }, (dy, [x], { axis }) => ({ x: () => repeated(dy, x, axis) })),
};
