// batchNormReluMaxPoolKernels: the fused batch norm in training, ReLU and 2x2 max-pool, and its gradient.
// binding/kernels/batch-norm-relu-max-pool.cc computes them.
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { type KernelTable, kernel } from "../kernel.js";

interface Attrs {
  readonly epsilon: number;
  /** Must be 2: the windows are 2x2 with stride 2. An odd last row or column is in no window. */
  readonly poolSize: number;
}

function checkPoolSize(name: string, { poolSize }: Attrs): void {
  if (poolSize !== 2) throw new Error(`torch backend: ${name}: poolSize ${poolSize}: must be 2`);
}

export const batchNormReluMaxPoolKernels: KernelTable = {
  BatchNormReluMaxPool: kernel<{ x: TensorInfo; scale: TensorInfo; offset: TensorInfo }, Attrs>(
    (torch, { x, scale, offset }, attrs) => {
      checkPoolSize("BatchNormReluMaxPool", attrs);
      return torch.runMany("BatchNormReluMaxPool", 3, x, scale, offset, attrs.epsilon);
    },
  ),
  BatchNormReluMaxPoolGrad: kernel<
    {
      dy: TensorInfo;
      x: TensorInfo;
      scale: TensorInfo;
      offset: TensorInfo;
      mean: TensorInfo;
      variance: TensorInfo;
    },
    Attrs
  >((torch, { dy, x, scale, offset, mean, variance }, attrs) => {
    checkPoolSize("BatchNormReluMaxPoolGrad", attrs);
    return torch.runMany("BatchNormReluMaxPoolGrad", 3, dy, x, scale, offset, mean, variance, attrs.epsilon);
  }),
};
