// Implements registerKernels; see kernel-table.h.
#include "kernel-table.h"

#include "kernels/families.h"

namespace lockstep {

void registerKernels(napi_env env, napi_value target) {
  const std::vector<Kernel>* const families[] = {
      &unaryKernels,      &binaryKernels,  &selectionKernels,     &reductionKernels, &linearKernels,   &convolutionKernels,
      &poolingKernels,    &normalizationKernels, &layoutKernels,  &creationKernels,  &batchNormReluMaxPoolKernels,
  };
  for (const auto* family : families) {
    for (const Kernel& kernel : *family) {
      napi_value function;
      napi_create_function(env, kernel.name, NAPI_AUTO_LENGTH, kernel.callback, const_cast<char*>(kernel.name), &function);
      napi_set_named_property(env, target, kernel.name, function);
    }
  }
}

}  // namespace lockstep
