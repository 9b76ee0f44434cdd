// normalizationKernels: batch normalisation with given statistics. binding/kernels/normalization.cc computes it.
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { type KernelTable, kernel } from "../kernel.js";

interface Inputs {
  readonly x: TensorInfo;
  readonly mean: TensorInfo;
  readonly variance: TensorInfo;
  readonly offset?: TensorInfo;
  readonly scale?: TensorInfo;
}

export const normalizationKernels: KernelTable = {
  FusedBatchNorm: kernel<Inputs, { varianceEpsilon?: number }>((torch, { x, mean, variance, offset, scale }, attrs) =>
    torch.run("FusedBatchNorm", x, mean, variance, offset ?? null, scale ?? null, attrs.varianceEpsilon ?? 0.001),
  ),
};
