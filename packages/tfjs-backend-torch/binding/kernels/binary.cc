// binaryKernels: the elementwise kernels of two tensors, with NumPy broadcasting, and AddN. TensorFlow.js has already
// converted the tensors to the same dtype.
#include "families.h"

namespace lockstep {

namespace {

using at::Tensor;

Tensor addNumbers(const Tensor& a, const Tensor& b) {
  if (a.scalar_type() == b.scalar_type()) refuseBool(a);
  return at::add(a, b);
}
Tensor sub(const Tensor& a, const Tensor& b) { return at::sub(a, b); }
Tensor multiply(const Tensor& a, const Tensor& b) { return at::mul(a, b); }
Tensor realDiv(const Tensor& a, const Tensor& b) { return at::div(a, b); }
Tensor floorDiv(const Tensor& a, const Tensor& b) { return at::div(a, b, "floor"); }
Tensor mod(const Tensor& a, const Tensor& b) { return at::remainder(a, b); }
Tensor pow(const Tensor& a, const Tensor& b) { return at::pow(a, b); }
Tensor maximum(const Tensor& a, const Tensor& b) { return at::maximum(a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return at::minimum(a, b); }
Tensor atan2(const Tensor& a, const Tensor& b) { return at::atan2(a, b); }
Tensor squaredDifference(const Tensor& a, const Tensor& b) {
  const Tensor difference = at::sub(a, b);
  return at::mul(difference, difference);
}
Tensor equal(const Tensor& a, const Tensor& b) { return at::eq(a, b); }
Tensor notEqual(const Tensor& a, const Tensor& b) { return at::ne(a, b); }
Tensor less(const Tensor& a, const Tensor& b) { return at::lt(a, b); }
Tensor lessEqual(const Tensor& a, const Tensor& b) { return at::le(a, b); }
Tensor greater(const Tensor& a, const Tensor& b) { return at::gt(a, b); }
Tensor greaterEqual(const Tensor& a, const Tensor& b) { return at::ge(a, b); }
Tensor logicalAnd(const Tensor& a, const Tensor& b) { return at::logical_and(a, b); }
Tensor logicalOr(const Tensor& a, const Tensor& b) { return at::logical_or(a, b); }
Tensor logicalXor(const Tensor& a, const Tensor& b) { return at::logical_xor(a, b); }

/** alpha * x if x is negative, else x; alpha broadcasts to x. */
Tensor prelu(const Tensor& x, const Tensor& alpha) { return at::where(at::lt(x, 0), at::mul(x, alpha), x); }

/** Adds the tensors in their order. */
Tensor addN(const Tensors& tensors) {
  TORCH_CHECK(!tensors.empty(), "needs at least one tensor");
  if (tensors.size() == 1) return tensors[0];
  Tensor sum = addNumbers(tensors[0], tensors[1]);
  for (size_t i = 2; i < tensors.size(); i++) sum.add_(tensors[i]);
  return sum;
}

}  // namespace

const std::vector<Kernel> binaryKernels = {
    {"Add", bind<addNumbers>},
    {"AddN", bind<addN>},
    {"Atan2", bind<atan2>},
    {"Equal", bind<equal>},
    {"FloorDiv", bind<floorDiv>},
    {"Greater", bind<greater>},
    {"GreaterEqual", bind<greaterEqual>},
    {"Less", bind<less>},
    {"LessEqual", bind<lessEqual>},
    {"LogicalAnd", bind<logicalAnd>},
    {"LogicalOr", bind<logicalOr>},
    {"LogicalXor", bind<logicalXor>},
    {"Maximum", bind<maximum>},
    {"Minimum", bind<minimum>},
    {"Mod", bind<mod>},
    {"Multiply", bind<multiply>},
    {"NotEqual", bind<notEqual>},
    {"Pow", bind<pow>},
    {"Prelu", bind<prelu>},
    {"RealDiv", bind<realDiv>},
    {"SquaredDifference", bind<squaredDifference>},
    {"Sub", bind<sub>},
};

}  // namespace lockstep
