// gradient() and its kin: the form in which the files of gradients/ declare the gradient of a kernel.
//
// TensorFlow.js has gradients of its own (dist/register_all_gradients.js): ES modules in a package that Node takes for
// CommonJS. Loading them by hooks adds 1.5 s to the start of each thread, and those of Sum and Mean upload arrays of ones
// (docs/lab-log.md). These need no addon and serve every backend.
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

/** By input name: makes the gradient when it is asked for. */
type InputGradients = Record<string, () => Tensor>;

interface Saving {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly boolean[];
}

/** For a kernel with one output. `saved` are the inputs named, then the outputs marked. */
export function gradient<Attrs = undefined>(
  { inputs = [], outputs = [] }: Saving,
  derive: (dy: Tensor, saved: [Tensor, Tensor, Tensor, Tensor], attrs: Attrs) => InputGradients,
): Omit<GradConfig, "kernelName"> {
  return {
    inputsToSave: [...inputs],
    outputsToSave: [...outputs],
    // As many are saved as the names above say; each gradient takes no more of them.
    gradFunc: (dy, saved, attrs) =>
      derive(dy as Tensor, saved as [Tensor, Tensor, Tensor, Tensor], attrs as unknown as Attrs) as never,
  };
}

/** For a kernel of one tensor named x. */
export function ofX(derive: (dy: Tensor, x: Tensor) => Tensor): Omit<GradConfig, "kernelName"> {
  return gradient({ inputs: ["x"] }, (dy, [x]) => ({ x: () => derive(dy, x) }));
}

/** For a kernel of one tensor named x whose derivative is easiest from its output. */
export function ofOutput(derive: (dy: Tensor, y: Tensor) => Tensor): Omit<GradConfig, "kernelName"> {
  return gradient({ outputs: [true] }, (dy, [y]) => ({ x: () => derive(dy, y) }));
}

/** dy where `isKept`, else 0. A product with 0 and 1 would make a NaN of an infinity. */
export function masked(dy: Tensor, isKept: Tensor): Tensor {
  return where(isKept, dy, zerosLike(dy));
}

/** Sums what broadcasting repeated, so that a gradient has its input's shape. */
export function unbroadcast(dy: Tensor, shape: number[]): Tensor {
  if (util.arraysEqual(dy.shape, shape)) return dy.clone();
  const axes = broadcast_util.getReductionAxes(shape, dy.shape);
  return reshape(axes.length > 0 ? sum(dy, axes) : dy, shape);
}
