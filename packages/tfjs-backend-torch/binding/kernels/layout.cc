// layoutKernels: the kernels that move, cut, join or convert elements without arithmetic. A result may be a view that
// shares the storage of its source, because no kernel changes a tensor in place.
#include "families.h"

namespace lockstep {

namespace {

using at::Tensor;

Tensor cast(const Tensor& x, int64_t dtype) {
  const at::ScalarType type = scalarTypeOf(dtype);
  if (type == at::kInt && x.is_floating_point() && x.numel() > 0) {
    // In C++ the conversion of any other number is undefined. The comparisons are false for NaN, so it is refused too.
    const bool fits = at::logical_and(at::ge(x, -2147483648.0), at::lt(x, 2147483648.0)).all().item<bool>();
    TORCH_CHECK(fits, "cannot convert to int32: a number is NaN or too large");
  }
  return x.to(type);
}
/** A view of another shape. TypeScript uses it also for every other kernel that only changes the shape. */
Tensor reshape(const Tensor& x, const Ints& shape) { return x.view(shape); }
Tensor transpose(const Tensor& x, const Ints& order) { return x.permute(order); }
Tensor concat(const Tensors& tensors, int64_t axis) { return at::cat(tensors, axis); }
Tensor pack(const Tensors& tensors, int64_t axis) { return at::stack(tensors, axis); }
Tensor tile(const Tensor& x, const Ints& repeats) { return x.repeat(repeats); }
Tensor broadcastTo(const Tensor& x, const Ints& shape) { return x.expand(shape); }
Tensor reverse(const Tensor& x, const Ints& axes) { return at::flip(x, axes); }

Tensor slice(const Tensor& x, const Ints& begin, const Ints& size) {
  Tensor out = x;
  for (size_t d = 0; d < begin.size(); d++) {
    const auto axis = static_cast<int64_t>(d);
    if (begin[d] != 0 || size[d] != out.size(axis)) out = out.narrow(axis, begin[d], size[d]);
  }
  return out;
}

/** TypeScript has resolved begin, end and strides. A negative stride goes backwards from begin. */
Tensor stridedSlice(const Tensor& x, const Ints& begin, const Ints& end, const Ints& strides) {
  Tensor out = x;
  for (size_t d = 0; d < begin.size(); d++) {
    const auto axis = static_cast<int64_t>(d);
    if (strides[d] > 0) {
      out = out.slice(axis, begin[d], std::max(begin[d], end[d]), strides[d]);
      continue;
    }
    const int64_t stride = -strides[d];
    const int64_t count = std::max<int64_t>(0, (begin[d] - end[d] + stride - 1) / stride);
    const int64_t last = begin[d] - (count - 1) * stride;
    out = count == 0 ? out.slice(axis, 0, 0) : at::flip(out.slice(axis, last, begin[d] + 1, stride), axis);
  }
  return out;
}

/** `before` and `after` have the padding of each dimension. */
Tensor pad(const Tensor& x, const Ints& before, const Ints& after, double value) {
  Ints pairs;
  for (size_t d = before.size(); d-- > 0;) {
    pairs.push_back(before[d]);
    pairs.push_back(after[d]);
  }
  return at::constant_pad_nd(x, pairs, value);
}

/** `edge` is 1 if the edge itself is not repeated (reflect), 0 if it is repeated (symmetric). */
Tensor mirrorPad(const Tensor& x, const Ints& before, const Ints& after, int64_t edge) {
  Tensor out = x;
  for (size_t d = 0; d < before.size(); d++) {
    if (before[d] == 0 && after[d] == 0) continue;
    const auto axis = static_cast<int64_t>(d);
    const int64_t size = x.size(axis);
    Ints places;
    for (int64_t i = -before[d]; i < size + after[d]; i++) {
      int64_t place = i;
      if (place < 0) place = -place - 1 + edge;
      if (place >= size) place = 2 * size - 1 - place - edge;
      places.push_back(place);
    }
    out = at::index_select(out, axis, at::tensor(places, at::kLong).to(x.device()));
  }
  return out;
}

}  // namespace

const std::vector<Kernel> layoutKernels = {
    {"BroadcastTo", bind<broadcastTo>},
    {"Cast", bind<cast>},
    {"Concat", bind<concat>},
    {"MirrorPad", bind<mirrorPad>},
    {"Pack", bind<pack>},
    {"PadV2", bind<pad>},
    {"Reshape", bind<reshape>},
    {"Reverse", bind<reverse>},
    {"Slice", bind<slice>},
    {"StridedSlice", bind<stridedSlice>},
    {"Tile", bind<tile>},
    {"Transpose", bind<transpose>},
};

}  // namespace lockstep
