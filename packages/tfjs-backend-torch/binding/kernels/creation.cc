// creationKernels: the kernels that make tensors from numbers, on the instance's device.
#include "families.h"

namespace lockstep {

namespace {

using at::Tensor;

Tensor fill(const Ints& shape, double value, int64_t dtype) {
  const auto options = at::TensorOptions().device(currentDevice()).dtype(scalarTypeOf(dtype));
  if (value == 0) return at::zeros(shape, options);
  return at::full(shape, value, options);
}

/** Makes `count` numbers: start, start + step, ... */
Tensor range(double start, double step, int64_t count, int64_t dtype) {
  const auto options = at::TensorOptions().device(currentDevice()).dtype(at::kDouble);
  return at::arange(count, options).mul_(step).add_(start).to(scalarTypeOf(dtype));
}

}  // namespace

const std::vector<Kernel> creationKernels = {
    {"Fill", bind<fill>},
    {"Range", bind<range>},
};

}  // namespace lockstep
