// unaryKernels: the elementwise kernels of one tensor. TensorFlow.js casts the tensor to float32 before it calls them,
// except for kernels that accept other dtypes.
#include "families.h"

#include <algorithm>
#include <limits>

namespace lockstep {

namespace {

using at::Tensor;

/** Binds one of ATen's overloaded functions: the overload that takes one tensor. */
template <Tensor (*function)(const Tensor&)>
constexpr napi_callback aten = bind<function>;

Tensor elu(const Tensor& x) { return at::elu(x); }
Tensor isFinite(const Tensor& x) { return at::isfinite(x); }
Tensor isInf(const Tensor& x) { return at::isinf(x); }
Tensor isNan(const Tensor& x) { return at::isnan(x); }
Tensor leakyRelu(const Tensor& x, double alpha) { return at::leaky_relu(x.to(at::kFloat), alpha); }
Tensor logicalNot(const Tensor& x) { return at::logical_not(x); }
Tensor relu6(const Tensor& x) { return at::clamp(x, 0, 6); }
Tensor round(const Tensor& x) { return x.is_floating_point() ? at::round(x) : x; }
Tensor ceil(const Tensor& x) { return x.is_floating_point() ? at::ceil(x) : x; }
Tensor floor(const Tensor& x) { return x.is_floating_point() ? at::floor(x) : x; }
Tensor selu(const Tensor& x) { return at::selu(x); }
Tensor sign(const Tensor& x) { return at::sign(x); }
Tensor softplus(const Tensor& x) { return at::softplus(x); }
Tensor square(const Tensor& x) { return at::mul(x, x); }
/** Clamps to the range of int32, so that an infinity becomes the greatest or the least int32. Fractions are cut off. */
int64_t clampedToInt32(double value) {
  using limits = std::numeric_limits<int32_t>;
  return static_cast<int64_t>(std::clamp(value, double{limits::min()}, double{limits::max()}));
}
Tensor clipByValue(const Tensor& x, double low, double high) {
  if (x.scalar_type() == at::kInt) return at::clamp(x, clampedToInt32(low), clampedToInt32(high));
  return at::clamp(x, low, high);
}

/** 1 where x > 0, NaN where x is NaN, else alpha. */
Tensor step(const Tensor& x, double alpha) {
  refuseBool(x);
  const Tensor y = at::where(at::gt(x, 0), at::ones({}, x.options()), at::full({}, alpha, x.options()));
  return x.is_floating_point() ? at::where(at::isnan(x), x, y) : y;
}

/** dy times the derivative, which is y + 1 if y is negative, else 1. */
Tensor eluGrad(const Tensor& dy, const Tensor& y) { return at::where(at::ge(y, 0), dy, at::mul(dy, at::add(y, 1))); }

}  // namespace

// clang-format off
const std::vector<Kernel> unaryKernels = {
    {"Abs", aten<at::abs>},
    {"Acos", aten<at::acos>},
    {"Acosh", aten<at::acosh>},
    {"Asin", aten<at::asin>},
    {"Asinh", aten<at::asinh>},
    {"Atan", aten<at::atan>},
    {"Atanh", aten<at::atanh>},
    {"Ceil", bind<ceil>},
    {"ClipByValue", bind<clipByValue>},
    {"Cos", aten<at::cos>},
    {"Cosh", aten<at::cosh>},
    {"Elu", bind<elu>},
    {"EluGrad", bind<eluGrad>},
    {"Erf", aten<at::erf>},
    {"Exp", aten<at::exp>},
    {"Expm1", aten<at::expm1>},
    {"Floor", bind<floor>},
    {"IsFinite", bind<isFinite>},
    {"IsInf", bind<isInf>},
    {"IsNan", bind<isNan>},
    {"LeakyRelu", bind<leakyRelu>},
    {"Log", aten<at::log>},
    {"Log1p", aten<at::log1p>},
    {"LogicalNot", bind<logicalNot>},
    {"Neg", aten<at::neg>},
    {"Reciprocal", aten<at::reciprocal>},
    {"Relu", aten<at::relu>},
    {"Relu6", bind<relu6>},
    {"Round", bind<round>},
    {"Rsqrt", aten<at::rsqrt>},
    {"Selu", bind<selu>},
    {"Sigmoid", aten<at::sigmoid>},
    {"Sign", bind<sign>},
    {"Sin", aten<at::sin>},
    {"Sinh", aten<at::sinh>},
    {"Softplus", bind<softplus>},
    {"Sqrt", aten<at::sqrt>},
    {"Square", bind<square>},
    {"Step", bind<step>},
    {"Tan", aten<at::tan>},
    {"Tanh", aten<at::tanh>},
};
// clang-format on

}  // namespace lockstep
