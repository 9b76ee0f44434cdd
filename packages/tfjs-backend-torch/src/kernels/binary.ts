// binaryKernels: the elementwise kernels of two tensors, and AddN. binding/kernels/binary.cc computes them.
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { type KernelTable, kernel } from "../kernel.js";
import type { NativeKernelName } from "../native/kernel-table.js";

interface Inputs {
  readonly a: TensorInfo;
  readonly b: TensorInfo;
}

const plain = (name: NativeKernelName) => kernel<Inputs>((torch, { a, b }) => torch.run(name, a, b));

export const binaryKernels: KernelTable = {
  Add: plain("Add"),
  AddN: kernel<TensorInfo[]>((torch, tensors) => torch.run("AddN", Object.values(tensors))),
  Atan2: plain("Atan2"),
  Equal: plain("Equal"),
  FloorDiv: plain("FloorDiv"),
  Greater: plain("Greater"),
  GreaterEqual: plain("GreaterEqual"),
  Less: plain("Less"),
  LessEqual: plain("LessEqual"),
  LogicalAnd: plain("LogicalAnd"),
  LogicalOr: plain("LogicalOr"),
  LogicalXor: plain("LogicalXor"),
  Maximum: plain("Maximum"),
  Minimum: plain("Minimum"),
  Mod: plain("Mod"),
  Multiply: plain("Multiply"),
  NotEqual: plain("NotEqual"),
  Pow: plain("Pow"),
  Prelu: kernel<{ x: TensorInfo; alpha: TensorInfo }>((torch, { x, alpha }) => torch.run("Prelu", x, alpha)),
  RealDiv: plain("RealDiv"),
  SquaredDifference: plain("SquaredDifference"),
  Sub: plain("Sub"),
};
