// Owns how a layer brings its own gradient. The Node build of tfjs-core registers no gradients at all, and those that the
// browser build registers unfuse kernels and upload arrays of ones; so each layer is a tf.customGrad of its forward pass.
import type { GradSaveFunc, Tensor } from "@tensorflow/tfjs-core";
import type { Tf } from "../recipe.js";

export interface Differentiated<Inputs extends Tensor[], Value extends Tensor, Saved extends Tensor[]> {
  readonly value: Value;
  /** Tensors that the gradient reads. The tape holds them; everything else of the forward pass is freed before. */
  readonly saved: readonly [...Saved];
  /** The gradient of each input, in the order of the inputs and in their shapes. Reads only its arguments. */
  gradient(dy: Value, saved: Saved): { [Index in keyof Inputs]: Inputs[Index] };
}

/** Runs `forward` off the tape, and puts it there as one node with the given gradient. */
export function differentiable<Inputs extends Tensor[], Value extends Tensor, Saved extends Tensor[]>(
  tf: Tf,
  inputs: readonly [...Inputs],
  forward: () => Differentiated<Inputs, Value, Saved>,
): Value {
  const run = tf.customGrad<Value>((...inputsAndSave) => {
    // customGrad calls with the inputs and, last, the function that saves tensors.
    const save = inputsAndSave[inputsAndSave.length - 1] as GradSaveFunc;
    const { value, saved, gradient } = forward();
    save([...saved]);
    // customGrad hands back the saved tensors in their order.
    return { value, gradFunc: (dy, savedTensors) => gradient(dy, savedTensors as Saved) };
  });
  return run(...inputs);
}

/** After a gradient computation has thrown: frees what its tape holds, which tfjs would keep for ever. */
export function abandonTape(tf: Tf): void {
  const { state } = tf.engine();
  for (const { saved } of state.activeTape ?? []) {
    for (const tensor of saved ?? []) tensor.dispose();
  }
  state.activeTape = [];
}
