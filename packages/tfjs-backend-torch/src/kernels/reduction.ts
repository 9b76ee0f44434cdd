// reductionKernels: sums, extremes, scans and softmax along axes. binding/kernels/reduction.cc computes them.
import { type TensorInfo, util } from "@tensorflow/tfjs-core";
import { type KernelTable, kernel } from "../kernel.js";
import type { NativeKernelName } from "../native/kernel-table.js";

interface Inputs {
  readonly x: TensorInfo;
}
interface Attrs {
  readonly axis: number | number[];
  readonly keepDims: boolean;
}

/** The axes as a list; if `axis` is absent, all axes. */
const axesOf = (x: TensorInfo, axis: number | number[] | undefined): number[] =>
  util.parseAxisParam(axis as number, x.shape);
const axisOf = (x: TensorInfo, axis: number): number => axesOf(x, axis)[0] ?? 0;

const alongAxes = (name: NativeKernelName) =>
  kernel<Inputs, Attrs>((torch, { x }, { axis, keepDims }) => torch.run(name, x, axesOf(x, axis), keepDims ?? false));

const alongAxis = (name: NativeKernelName) =>
  kernel<Inputs, { axis: number }>((torch, { x }, { axis }) => torch.run(name, x, axisOf(x, axis)));

const scan = (name: NativeKernelName) =>
  kernel<Inputs, { axis: number; exclusive: boolean; reverse: boolean }>((torch, { x }, { axis, exclusive, reverse }) =>
    torch.run(name, x, axisOf(x, axis), exclusive, reverse),
  );

export const reductionKernels: KernelTable = {
  All: alongAxes("All"),
  Any: alongAxes("Any"),
  ArgMax: alongAxis("ArgMax"),
  ArgMin: alongAxis("ArgMin"),
  Cumprod: scan("Cumprod"),
  Cumsum: scan("Cumsum"),
  LogSoftmax: kernel<{ logits: TensorInfo }, { axis: number }>((torch, { logits }, { axis }) =>
    torch.run("LogSoftmax", logits, axisOf(logits, axis)),
  ),
  Max: kernel<Inputs, { reductionIndices: number | number[]; keepDims: boolean }>((torch, { x }, attrs) =>
    torch.run("Max", x, axesOf(x, attrs.reductionIndices), attrs.keepDims ?? false),
  ),
  Mean: alongAxes("Mean"),
  Min: alongAxes("Min"),
  Prod: alongAxes("Prod"),
  Softmax: kernel<{ logits: TensorInfo }, { dim: number }>((torch, { logits }, { dim }) =>
    torch.run("Softmax", logits, axisOf(logits, dim)),
  ),
  Sum: alongAxes("Sum"),
};
