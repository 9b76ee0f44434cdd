// Owns the form in which the files of kernels/ say what a TensorFlow.js kernel does by native ones.
import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs-core";
import type { TorchBackend } from "./backend.js";

/** By kernel name. */
export type KernelTable = Readonly<Record<string, KernelFunc>>;

type Run<Inputs, Attrs> = (torch: TorchBackend, inputs: Inputs, attrs: Attrs) => TensorInfo | TensorInfo[];

/** `Inputs` and `Attrs` are what the operation of TensorFlow.js passes under this name. */
export function kernel<Inputs, Attrs = undefined>(run: Run<Inputs, Attrs>): KernelFunc {
  return ({ inputs, attrs, backend }) => run(backend as TorchBackend, inputs as Inputs, attrs as Attrs);
}
