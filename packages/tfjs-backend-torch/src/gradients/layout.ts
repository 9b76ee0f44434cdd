// layoutGradients: the gradients of kernels that move, cut, join or choose elements.
import * as tf from "@tensorflow/tfjs-core";
import { type Gradients, gradient, masked } from "./gradient.js";

const { pad, reshape, slice, transpose, util } = tf;

type Paddings = [number, number][];

const inverseOrder = (order: readonly number[]) => order.map((_, d) => order.indexOf(d));

/** The gradient of padding is the inner part of dy. As in TensorFlow.js, mirrored borders add nothing. */
const unpadded = gradient<{ paddings: Paddings }>({ inputs: ["x"] }, (dy, [x], { paddings }) => ({
  x: () =>
    slice(
      dy,
      paddings.map(([first]) => first),
      x.shape,
    ),
}));

/** Sums dy over the repetitions: with the shape [r0, s0, r1, s1, ...] over all r. */
function tileGradient(dy: tf.Tensor, x: tf.Tensor, reps: readonly number[]): tf.Tensor {
  const split = x.shape.flatMap((size, d) => [reps[d] ?? 1, size]);
  return tf.sum(
    reshape(dy, split),
    x.shape.map((_, d) => 2 * d),
  );
}

/** Adds each row of dy to the row that its index names. */
function gatherGradient(dy: tf.Tensor, x: tf.Tensor, indices: tf.Tensor, axis: number): tf.Tensor {
  const outer = x.shape.slice(0, axis);
  const inner = x.shape.slice(axis + 1);
  const values = reshape(dy, [...outer, indices.size, ...inner]);
  const order = [axis, ...x.shape.map((_, d) => d).filter((d) => d !== axis)];
  const sums = tf.unsortedSegmentSum(
    transpose(values, order),
    tf.reshape(indices, [indices.size]) as tf.Tensor1D,
    x.shape[axis] ?? 0,
  );
  return transpose(sums, inverseOrder(order));
}

function gatherGradients(dy: tf.Tensor, x: tf.Tensor, indices: tf.Tensor, axis: number, batchDims: number): tf.Tensor {
  const parsed = util.parseAxisParam(axis, x.shape)[0] ?? 0;
  if (batchDims === 0) return gatherGradient(dy, x, indices, parsed);
  if (batchDims !== 1) throw new Error(`gradient of GatherV2: batchDims ${batchDims}: must be 0 or 1`);
  const places = tf.unstack(indices);
  const changes = tf.unstack(dy);
  return tf.stack(
    tf.unstack(x).map((row, i) => gatherGradient(changes[i] as tf.Tensor, row, places[i] as tf.Tensor, parsed - 1)),
  );
}

/** A row whose id is not a segment added nothing to the sum, so its gradient is zero. */
function segmentSumGradient(dy: tf.Tensor, ids: tf.Tensor): tf.Tensor {
  const counted = tf.logicalAnd(tf.greaterEqual(ids, 0), tf.less(ids, dy.shape[0] ?? 0));
  const rows = tf.gather(dy, tf.where(counted, ids, tf.zerosLike(ids)) as tf.Tensor1D);
  return masked(rows, reshape(counted, [...ids.shape, ...new Array<number>(rows.rank - ids.rank).fill(1)]));
}

export const layoutGradients: Gradients = {
  BroadcastTo: gradient<{ inputShape: number[]; shape: number[] }>({}, (dy, _, { inputShape, shape }) => {
    const added = shape.length - inputShape.length;
    const repeated = shape.map((_, d) => d).filter((d) => d < added || inputShape[d - added] !== shape[d]);
    return { x: () => reshape(tf.sum(dy, repeated, true), inputShape) };
  }),
  Concat: {
    saveAllInputs: true,
    gradFunc: (dy, saved, attrs) => {
      const axis = util.parseAxisParam((attrs as unknown as { axis: number }).axis, saved[0]?.shape ?? [])[0] ?? 0;
      const sizes = saved.map((tensor) => tensor.shape[axis] ?? 0);
      return tf.split(dy as tf.Tensor, sizes, axis).map((part) => () => part) as never;
    },
  },
  ExpandDims: gradient({ inputs: ["input"] }, (dy, [input]) => ({ input: () => reshape(dy, input.shape) })),
  GatherV2: gradient<{ axis: number; batchDims: number }>({ inputs: ["x", "indices"] }, (dy, [x, indices], attrs) => ({
    x: () => gatherGradients(dy, x, indices, attrs.axis, attrs.batchDims ?? 0),
    indices: () => indices,
  })),
  MirrorPad: unpadded,
  OneHot: gradient({ inputs: ["indices"] }, (_, [indices]) => ({
    indices: () => tf.fill(indices.shape, 0, "float32"),
  })),
  Pack: {
    saveAllInputs: true,
    gradFunc: (dy, _, attrs) =>
      tf.unstack(dy as tf.Tensor, (attrs as unknown as { axis: number }).axis).map((part) => () => part) as never,
  },
  PadV2: unpadded,
  Reshape: gradient({ inputs: ["x"] }, (dy, [x]) => ({ x: () => reshape(dy, x.shape) })),
  Reverse: gradient<{ dims: number | number[] }>({}, (dy, _, { dims }) => ({
    x: () => tf.reverse(dy, util.parseAxisParam(dims, dy.shape)),
  })),
  Slice: gradient<{ begin: number | number[]; size: number | number[] }>({ inputs: ["x"] }, (dy, [x], attrs) => {
    const [begin, size] = tf.slice_util.parseSliceParams(x, attrs.begin, attrs.size) as [number[], number[]];
    const paddings = x.shape.map((whole, d): [number, number] => {
      const first = begin[d] ?? 0;
      return [first, whole - first - (size[d] ?? 0)];
    });
    return { x: () => pad(dy, paddings) };
  }),
  SplitV: {
    gradFunc: (dys, _, attrs) => ({
      x: () => tf.concat(dys as tf.Tensor[], (attrs as unknown as { axis: number }).axis),
    }),
  },
  Tile: gradient<{ reps: number[] }>({ inputs: ["x"] }, (dy, [x], { reps }) => ({
    x: () => tileGradient(dy, x, reps),
  })),
  Transpose: gradient<{ perm: number[] }>({}, (dy, _, { perm }) => ({ x: () => transpose(dy, inverseOrder(perm)) })),
  Unpack: {
    gradFunc: (dys, _, attrs) => ({
      value: () => tf.stack(dys as tf.Tensor[], (attrs as unknown as { axis: number }).axis),
    }),
  },
  UnsortedSegmentSum: gradient({ inputs: ["segmentIds"] }, (dy, [ids]) => ({ x: () => segmentSumGradient(dy, ids) })),
};
