// linearKernels: matrix multiplication. Transposes are views that BLAS reads without a copy.
#include "families.h"

namespace lockstep {

namespace {

using at::Tensor;

/** The last two dimensions are the matrix; the dimensions before them broadcast. */
Tensor batchMatMul(const Tensor& left, const Tensor& right, bool transposeA, bool transposeB) {
  const Tensor a = transposeA ? left.transpose(-2, -1) : left;
  const Tensor b = transposeB ? right.transpose(-2, -1) : right;
  TORCH_CHECK(a.scalar_type() == b.scalar_type(), "dtypes differ: ", a.scalar_type(), " and ", b.scalar_type());
  return at::matmul(a, b);
}

}  // namespace

const std::vector<Kernel> linearKernels = {
    {"BatchMatMul", bind<batchMatMul>},
};

}  // namespace lockstep
