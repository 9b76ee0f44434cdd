// Owns matrix multiplication. Transposes are views that BLAS reads as they lie: nothing is copied.
#include "families.h"

namespace lockstep {

namespace {

using at::Tensor;

// B batch, M rows, K inner, N columns
Tensor batchMatMul(const Tensor& a_BMK, const Tensor& b_BKN, bool transposeA, bool transposeB) {
  const Tensor a = transposeA ? a_BMK.transpose(1, 2) : a_BMK;
  const Tensor b = transposeB ? b_BKN.transpose(1, 2) : b_BKN;
  TORCH_CHECK(a.scalar_type() == b.scalar_type(), "dtypes differ: ", a.scalar_type(), " and ", b.scalar_type());
  if (a.size(0) == 1 && b.size(0) == 1) return at::mm(a[0], b[0]).unsqueeze(0);
  return at::matmul(a, b);
}

}  // namespace

const std::vector<Kernel> linearKernels = {
    {"BatchMatMul", bind<batchMatMul>},
};

}  // namespace lockstep
