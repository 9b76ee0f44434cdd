// normalizationKernels: batch normalisation with given statistics, for inference or with statistics of other kernels.
#include "families.h"

namespace lockstep {

namespace {

using at::Tensor;

/** (x - mean) / sqrt(variance + epsilon) * scale + offset; the last four broadcast to x. */
Tensor fusedBatchNorm(const Tensor& x, const Tensor& mean, const Tensor& variance, const OptionalTensor& offset,
                      const OptionalTensor& scale, double epsilon) {
  Tensor factor = at::rsqrt(at::add(variance, epsilon));
  if (scale) factor = at::mul(factor, *scale);
  // The form x * factor + shift needs two passes over x instead of four.
  Tensor shift = at::neg(at::mul(mean, factor));
  if (offset) shift = at::add(*offset, shift);
  return at::addcmul(shift, x, factor);
}

}  // namespace

const std::vector<Kernel> normalizationKernels = {
    {"FusedBatchNorm", bind<fusedBatchNorm>},
};

}  // namespace lockstep
