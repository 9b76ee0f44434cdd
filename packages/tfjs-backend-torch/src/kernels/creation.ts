// creationKernels: the kernels that make tensors from numbers on the device. binding/kernels/creation.cc computes them.
import { type DataType, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { TorchBackend } from "../backend.js";
import { type KernelTable, kernel } from "../kernel.js";
import { dtypeCode } from "../native/dtype.js";

function fill(torch: TorchBackend, shape: readonly number[], value: number, dtype: DataType): TensorInfo {
  return torch.run("Fill", shape, value, dtypeCode(dtype, "Fill"));
}

export const creationKernels: KernelTable = {
  Fill: kernel<object, { shape: number[]; value: number | string; dtype?: DataType }>((torch, _, attrs) => {
    const dtype = attrs.dtype ?? util.inferDtype(attrs.value);
    return fill(torch, attrs.shape, Number(attrs.value), dtype);
  }),
  LinSpace: kernel<object, { start: number; stop: number; num: number }>((torch, _, { start, stop, num }) =>
    torch.run("Range", start, num > 1 ? (stop - start) / (num - 1) : 0, num, dtypeCode("float32", "LinSpace")),
  ),
  OnesLike: kernel<{ x: TensorInfo }>((torch, { x }) => fill(torch, x.shape, 1, x.dtype)),
  Range: kernel<object, { start: number; stop: number; step: number; dtype: DataType }>((torch, _, attrs) => {
    const { start, stop, dtype } = attrs;
    // As in TensorFlow.js, the default step of 1 becomes -1 if stop is below start.
    const step = stop < start && attrs.step === 1 ? -1 : attrs.step;
    const count = start === stop ? 0 : Math.max(0, Math.ceil((stop - start) / step));
    return torch.run("Range", start, step, count, dtypeCode(dtype, "Range"));
  }),
  ZerosLike: kernel<{ x: TensorInfo }>((torch, { x }) => fill(torch, x.shape, 0, x.dtype)),
};
