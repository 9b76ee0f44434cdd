// kernel: the helper by which the files of kernels/ implement a TensorFlow.js kernel with native kernels.
import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs-core";
import type { TorchBackend } from "./backend.js";

/** Kernels by name. */
export type KernelTable = Readonly<Record<string, KernelFunc>>;

type Run<Inputs, Attrs> = (torch: TorchBackend, inputs: Inputs, attrs: Attrs) => TensorInfo | TensorInfo[];

/** `Inputs` and `Attrs` are the types of the inputs and attributes that TensorFlow.js passes to the kernel. */
export function kernel<Inputs, Attrs = undefined>(run: Run<Inputs, Attrs>): KernelFunc {
  return ({ inputs, attrs, backend }) => run(backend as TorchBackend, inputs as Inputs, attrs as Attrs);
}
