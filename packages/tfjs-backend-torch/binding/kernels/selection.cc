// selectionKernels: the kernels that choose elements by a condition or an index.
#include "families.h"

namespace lockstep {

namespace {

using at::Tensor;

/** As in TensorFlow.js, a condition of rank 1 chooses whole rows; any other condition has the shape of t and e. */
Tensor select(const Tensor& condition, const Tensor& t, const Tensor& e) {
  Tensor mask = condition;
  if (mask.dim() == 1 && t.dim() > 1) {
    Ints rows(static_cast<size_t>(t.dim()), 1);
    rows[0] = mask.size(0);
    mask = mask.reshape(rows);
  }
  return at::where(mask, t, e);
}

/** x is [batch, outer, rows, inner] and indices [batch, count]; the result is [batch, outer, count, inner]. */
Tensor gather(const Tensor& x, const Tensor& indices) {
  if (indices.numel() > 0) {
    const int64_t low = indices.min().item<int64_t>();
    const int64_t high = indices.max().item<int64_t>();
    TORCH_CHECK(low >= 0 && high < x.size(2), "the index value ", low < 0 ? low : high, " is not in [0, ",
                x.size(2) - 1, "]");
  }
  const Tensor index = indices.to(at::kLong);
  if (x.size(0) == 1) return at::index_select(x, 2, index.flatten());
  const Tensor wide = index.reshape({x.size(0), 1, indices.size(1), 1})
                          .expand({x.size(0), x.size(1), indices.size(1), x.size(3)});
  return at::gather(x, 2, wide);
}

/**
 * Sums the rows of x, [rows, inner], by their ids, [rows]. A row whose id is not a segment adds nothing, even if it has
 * a NaN.
 */
Tensor unsortedSegmentSum(const Tensor& x, const Tensor& ids, int64_t numSegments) {
  refuseBool(x);
  const Tensor valid = at::logical_and(at::ge(ids, 0), at::lt(ids, numSegments));
  const Tensor sums = at::zeros({numSegments, x.size(1)}, x.options());
  const Tensor rows = at::where(valid.unsqueeze(1), x, at::zeros({}, x.options()));
  return sums.index_add(0, at::where(valid, ids, at::zeros({}, ids.options())).to(at::kLong), rows);
}

Tensor oneHot(const Tensor& indices, int64_t depth, double onValue, double offValue, int64_t dtype) {
  const Tensor places = at::arange(depth, indices.options());
  const auto options = indices.options().dtype(scalarTypeOf(dtype));
  return at::where(at::eq(indices.unsqueeze(-1), places), at::full({}, onValue, options), at::full({}, offValue, options));
}

}  // namespace

const std::vector<Kernel> selectionKernels = {
    {"GatherV2", bind<gather>},
    {"OneHot", bind<oneHot>},
    {"Select", bind<select>},
    {"UnsortedSegmentSum", bind<unsortedSegmentSum>},
};

}  // namespace lockstep
