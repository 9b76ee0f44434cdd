// Owns the form in which the files of gradients/ say what the gradient of a kernel is, and what they share.
//
// TensorFlow.js' own gradients (dist/register_all_gradients.js) are ES modules in a package that Node takes for
// CommonJS, so Node cannot import them. These need no addon and serve every backend.
import { broadcast_util, type GradConfig, reshape, sum, type Tensor, util } from "@tensorflow/tfjs-core";

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

/** Sums what broadcasting repeated, so that a gradient has its input's shape. */
export function unbroadcast(dy: Tensor, shape: number[]): Tensor {
  if (util.arraysEqual(dy.shape, shape)) return dy.clone();
  const axes = broadcast_util.getReductionAxes(shape, dy.shape);
  return reshape(axes.length > 0 ? sum(dy, axes) : dy, shape);
}
