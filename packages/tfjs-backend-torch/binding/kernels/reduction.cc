// reductionKernels: sums, extremes and scans along axes, and softmax. On the CPU each kernel runs on one thread, in a
// fixed order. An empty list of axes reduces nothing.
#include "families.h"

#include <algorithm>
#include <limits>

namespace lockstep {

namespace {

using at::Tensor;

at::ScalarType sumType(const Tensor& x) { return x.scalar_type() == at::kBool ? at::kInt : x.scalar_type(); }

Tensor sum(const Tensor& x, const Ints& axes, bool keepDims) {
  if (axes.empty()) return x.to(sumType(x));
  return at::sum(x, axes, keepDims, sumType(x));
}
Tensor mean(const Tensor& x, const Ints& axes, bool keepDims) {
  if (axes.empty()) return x.to(at::kFloat);
  return at::mean(x, axes, keepDims, at::kFloat);
}
Tensor max(const Tensor& x, const Ints& axes, bool keepDims) { return axes.empty() ? x : at::amax(x, axes, keepDims); }
Tensor min(const Tensor& x, const Ints& axes, bool keepDims) { return axes.empty() ? x : at::amin(x, axes, keepDims); }

/** Moves the axes to the end and merges them to one, for ATen's functions that reduce only one axis. */
Tensor foldLast(const Tensor& x, const Ints& axes) {
  Ints order, sizes;
  int64_t folded = 1;
  for (int64_t d = 0; d < x.dim(); d++) {
    if (std::find(axes.begin(), axes.end(), d) != axes.end()) continue;
    order.push_back(d);
    sizes.push_back(x.size(d));
  }
  for (const int64_t axis : axes) {
    order.push_back(axis);
    folded *= x.size(axis);
  }
  sizes.push_back(folded);
  return x.permute(order).reshape(sizes);
}
Tensor keepingDims(const Tensor& y, const Tensor& x, const Ints& axes, bool keepDims) {
  if (!keepDims) return y;
  Ints sizes = x.sizes().vec();
  for (const int64_t axis : axes) sizes[static_cast<size_t>(axis)] = 1;
  return y.reshape(sizes);
}

Tensor prod(const Tensor& x, const Ints& axes, bool keepDims) {
  if (axes.empty()) return x;
  return keepingDims(at::prod(foldLast(x, axes), -1, false, sumType(x)), x, axes, keepDims);
}
Tensor all(const Tensor& x, const Ints& axes, bool keepDims) {
  if (axes.empty()) return x;
  return keepingDims(at::all(foldLast(x, axes), -1), x, axes, keepDims);
}
Tensor any(const Tensor& x, const Ints& axes, bool keepDims) {
  if (axes.empty()) return x;
  return keepingDims(at::any(foldLast(x, axes), -1), x, axes, keepDims);
}

/** Replaces NaN by `loser`, which is never chosen, and converts bool to a number. */
Tensor comparable(const Tensor& x, double loser) {
  if (x.scalar_type() == at::kBool) return x.to(at::kInt);
  if (!x.is_floating_point()) return x;
  return at::where(at::isnan(x), at::full({}, loser, x.options()), x);
}
/** Returns the first index among equals. */
Tensor argMax(const Tensor& x, int64_t axis) {
  return at::argmax(comparable(x, -std::numeric_limits<double>::infinity()), axis).to(at::kInt);
}
Tensor argMin(const Tensor& x, int64_t axis) {
  return at::argmin(comparable(x, std::numeric_limits<double>::infinity()), axis).to(at::kInt);
}

/** Runs a scan: from the end if `reverse`; shifted by one element and beginning with `first` if `exclusive`. */
template <class Scan>
Tensor scanned(const Tensor& x, int64_t axis, bool exclusive, bool reverse, double first, Scan scan) {
  if (x.dim() == 0) return exclusive ? at::full_like(x, first) : x;
  Tensor in = reverse ? at::flip(x, axis) : x;
  if (exclusive) {
    Ints edge = x.sizes().vec();
    edge[static_cast<size_t>(axis)] = std::min<int64_t>(1, x.size(axis));
    in = at::cat({at::full(edge, first, x.options()), in.slice(axis, 0, std::max<int64_t>(0, x.size(axis) - 1))}, axis);
  }
  const Tensor out = scan(in);
  return reverse ? at::flip(out, axis) : out;
}
Tensor cumsum(const Tensor& x, int64_t axis, bool exclusive, bool reverse) {
  return scanned(x, axis, exclusive, reverse, 0, [&](const Tensor& in) { return at::cumsum(in, axis, sumType(x)); });
}
Tensor cumprod(const Tensor& x, int64_t axis, bool exclusive, bool reverse) {
  return scanned(x, axis, exclusive, reverse, 1, [&](const Tensor& in) { return at::cumprod(in, axis, sumType(x)); });
}

Tensor softmax(const Tensor& logits, int64_t axis) { return at::softmax(logits, axis, at::kFloat); }
Tensor logSoftmax(const Tensor& logits, int64_t axis) { return at::log_softmax(logits, axis, at::kFloat); }

}  // namespace

const std::vector<Kernel> reductionKernels = {
    {"All", bind<all>},
    {"Any", bind<any>},
    {"ArgMax", bind<argMax>},
    {"ArgMin", bind<argMin>},
    {"Cumprod", bind<cumprod>},
    {"Cumsum", bind<cumsum>},
    {"LogSoftmax", bind<logSoftmax>},
    {"Max", bind<max>},
    {"Mean", bind<mean>},
    {"Min", bind<min>},
    {"Prod", bind<prod>},
    {"Softmax", bind<softmax>},
    {"Sum", bind<sum>},
};

}  // namespace lockstep
