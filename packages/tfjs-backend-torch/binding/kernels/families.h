// Declares the tables of the kernel families; each file of this folder defines one table. Their names and order are
// those of src/native/kernel-table.ts.
#pragma once

#include <vector>

#include "call.h"

namespace lockstep {

extern const std::vector<Kernel> unaryKernels;
extern const std::vector<Kernel> binaryKernels;
extern const std::vector<Kernel> selectionKernels;
extern const std::vector<Kernel> reductionKernels;
extern const std::vector<Kernel> linearKernels;
extern const std::vector<Kernel> convolutionKernels;
extern const std::vector<Kernel> poolingKernels;
extern const std::vector<Kernel> normalizationKernels;
extern const std::vector<Kernel> layoutKernels;
extern const std::vector<Kernel> creationKernels;
extern const std::vector<Kernel> batchNormReluMaxPoolKernels;

}  // namespace lockstep
