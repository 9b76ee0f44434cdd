// Owns matrix multiplication; binding/kernels/linear.cc computes it.
import { broadcast_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { TorchBackend } from "../backend.js";
import { type KernelTable, kernel } from "../kernel.js";
import { activated, type FusedAttrs, type FusedInputs } from "./activation.js";

interface Inputs {
  readonly a: TensorInfo;
  readonly b: TensorInfo;
}
interface Attrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The last two dimensions are the matrix; those before broadcast. */
function batchMatMul(torch: TorchBackend, { a, b }: Inputs, { transposeA, transposeB }: Attrs): TensorInfo {
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const rows = a.shape.at(transposeA ? -1 : -2) ?? 1;
  const columns = b.shape.at(transposeB ? -2 : -1) ?? 1;
  const innerA = a.shape.at(transposeA ? -2 : -1) ?? 1;
  const innerB = b.shape.at(transposeB ? -1 : -2) ?? 1;
  util.assert(
    innerA === innerB,
    () =>
      `Error in matMul: inner shapes (${innerA}) and (${innerB}) of Tensors with shapes ${a.shape} and ${b.shape} and ` +
      `transposeA=${transposeA} and transposeB=${transposeB} must match.`,
  );
  const flat = (x: TensorInfo, batch: number[]) => ({
    ...x,
    shape: [util.sizeFromShape(batch), x.shape.at(-2) ?? 1, x.shape.at(-1) ?? 1],
  });
  const outBatch = broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  const sizeA = util.sizeFromShape(batchA);
  const sizeB = util.sizeFromShape(batchB);
  if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) {
    throw new Error(`torch backend: BatchMatMul: batch shapes [${batchA}] and [${batchB}] broadcast in both ways`);
  }
  const product = torch.run("BatchMatMul", flat(a, batchA), flat(b, batchB), transposeA, transposeB);
  return { ...product, shape: [...outBatch, rows, columns] };
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
    return activated(torch, out, inputs, attrs);
  }),
};
