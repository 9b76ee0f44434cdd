// gradient, ofX and ofOutput: helpers by which the files of gradients/ declare the gradients of kernels.
//
// TensorFlow.js has gradients of its own (dist/register_all_gradients.js), which are not used: they are ES modules in a
// package that Node treats as CommonJS. To load them by hooks adds 1.5 s to the start of each thread, and those of Sum
// and Mean upload arrays of ones (docs/lab-log.md). The gradients here require no addon and work with every backend.
import {
  broadcast_util,
  type GradConfig,
  reshape,
  sum,
  type Tensor,
  util,
  where,
  zerosLike,
} from "@tensorflow/tfjs-core";

export type Gradients = Readonly<Record<string, Omit<GradConfig, "kernelName">>>;

/** Functions by the name of the input; each computes the gradient when TensorFlow.js needs it. */
type InputGradients = Record<string, () => Tensor>;

interface Saving {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly boolean[];
}

/**
 * The gradient of a kernel with one output. `saved` has the tensors of the named inputs, then of the marked outputs.
 */
export function gradient<Attrs = undefined>(
  { inputs = [], outputs = [] }: Saving,
  derive: (dy: Tensor, saved: [Tensor, Tensor, Tensor, Tensor], attrs: Attrs) => InputGradients,
): Omit<GradConfig, "kernelName"> {
  return {
    inputsToSave: [...inputs],
    outputsToSave: [...outputs],
    // As many tensors are saved as are named above; `derive` must not use more of the four.
    gradFunc: (dy, saved, attrs) =>
      derive(dy as Tensor, saved as [Tensor, Tensor, Tensor, Tensor], attrs as unknown as Attrs) as never,
  };
}

/** The gradient of a kernel with one input, x. */
export function ofX(derive: (dy: Tensor, x: Tensor) => Tensor): Omit<GradConfig, "kernelName"> {
  return gradient({ inputs: ["x"] }, (dy, [x]) => ({ x: () => derive(dy, x) }));
}

/** The gradient of a kernel with one input, x, whose derivative is computed from its output. */
export function ofOutput(derive: (dy: Tensor, y: Tensor) => Tensor): Omit<GradConfig, "kernelName"> {
  return gradient({ outputs: [true] }, (dy, [y]) => ({ x: () => derive(dy, y) }));
}

/** dy if `isKept`, else 0, for each element. It is no product with 0 or 1, because infinity times 0 is NaN. */
export function masked(dy: Tensor, isKept: Tensor): Tensor {
  return where(isKept, dy, zerosLike(dy));
}

/** Sums dy over the dimensions that broadcasting repeated, so that the gradient has its input's shape. */
export function unbroadcast(dy: Tensor, shape: number[]): Tensor {
  if (util.arraysEqual(dy.shape, shape)) return dy.clone();
  const axes = broadcast_util.getReductionAxes(shape, dy.shape);
  return reshape(axes.length > 0 ? sum(dy, axes) : dy, shape);
}
