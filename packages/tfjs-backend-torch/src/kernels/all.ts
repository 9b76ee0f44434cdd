// allKernels: the kernels of all families, in the order of binding/kernel-table.cc.
import type { KernelTable } from "../kernel.js";
import { batchNormReluMaxPoolKernels } from "./batch-norm-relu-max-pool.js";
import { binaryKernels } from "./binary.js";
import { convolutionKernels } from "./convolution.js";
import { creationKernels } from "./creation.js";
import { layoutKernels } from "./layout.js";
import { linearKernels } from "./linear.js";
import { normalizationKernels } from "./normalization.js";
import { poolingKernels } from "./pooling.js";
import { reductionKernels } from "./reduction.js";
import { selectionKernels } from "./selection.js";
import { unaryKernels } from "./unary.js";

export const allKernels: KernelTable = {
  ...unaryKernels,
  ...binaryKernels,
  ...selectionKernels,
  ...reductionKernels,
  ...linearKernels,
  ...convolutionKernels,
  ...poolingKernels,
  ...normalizationKernels,
  ...layoutKernels,
  ...creationKernels,
  ...batchNormReluMaxPoolKernels,
};
