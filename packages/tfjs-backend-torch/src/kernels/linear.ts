// linearKernels: matrix multiplication. binding/kernels/linear.cc computes it.
import { type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { TorchBackend } from "../backend.js";
import { type KernelTable, kernel } from "../kernel.js";
import { applyActivation, type FusedAttrs, type FusedInputs } from "./activation.js";

interface Inputs {
  readonly a: TensorInfo;
  readonly b: TensorInfo;
}
interface Attrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

function batchMatMul(torch: TorchBackend, { a, b }: Inputs, { transposeA, transposeB }: Attrs): TensorInfo {
  const innerA = a.shape.at(transposeA ? -2 : -1) ?? 1;
  const innerB = b.shape.at(transposeB ? -1 : -2) ?? 1;
  util.assert(
    innerA === innerB,
    () =>
      `Error in matMul: inner shapes (${innerA}) and (${innerB}) of Tensors with shapes ${a.shape} and ${b.shape} and ` +
      `transposeA=${transposeA} and transposeB=${transposeB} must match.`,
  );
  return torch.run("BatchMatMul", a, b, transposeA, transposeB);
}

export const linearKernels: KernelTable = {
  BatchMatMul: kernel<Inputs, Attrs>(batchMatMul),
  _FusedMatMul: kernel<Inputs & FusedInputs, Attrs & FusedAttrs>((torch, inputs, attrs) => {
    let out = batchMatMul(torch, inputs, attrs);
    if (inputs.bias) {
      const sum = torch.run("Add", out, inputs.bias);
      torch.discard(out);
      out = sum;
    }
    return applyActivation(torch, out, inputs, attrs);
  }),
};
