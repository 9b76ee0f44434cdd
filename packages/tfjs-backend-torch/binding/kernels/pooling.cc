// poolingKernels: 2-D max and average pooling and their gradients, on N H W C tensors, which ATen gets as
// channels_last. Padding does not count: max pooling pads with minus infinity, and average pooling divides by the
// number of real pixels.
#include "families.h"

#include <limits>

namespace lockstep {

namespace {

using at::Tensor;

Tensor channelsFirst(const Tensor& x_NHWC) { return x_NHWC.permute({0, 3, 1, 2}); }
Tensor channelsLast(const Tensor& x_NCHW) { return x_NCHW.permute({0, 2, 3, 1}); }

/** sides are top, bottom, left and right. */
bool padded(const Ints& sides) { return sides[0] != 0 || sides[1] != 0 || sides[2] != 0 || sides[3] != 0; }
Tensor pad(const Tensor& x_NHWC, const Ints& sides, double value) {
  return padded(sides) ? at::constant_pad_nd(x_NHWC, {0, 0, sides[2], sides[3], sides[0], sides[1]}, value) : x_NHWC;
}
Tensor unpad(const Tensor& x_NHWC, const Ints& sides) {
  if (!padded(sides)) return x_NHWC;
  return x_NHWC.slice(1, sides[0], x_NHWC.size(1) - sides[1]).slice(2, sides[2], x_NHWC.size(2) - sides[3]);
}
/** ATen does not pool integers. float64 represents every int32 exactly, float32 does not. */
Tensor asFloating(const Tensor& x) { return x.is_floating_point() ? x : x.to(at::kDouble); }

std::tuple<Tensor, Tensor> maxPoolWithIndices(const Tensor& x_NHWC, const Ints& window, const Ints& strides,
                                              const Ints& sides, const Ints& dilations) {
  const Tensor x = pad(asFloating(x_NHWC), sides, -std::numeric_limits<double>::infinity());
  return at::max_pool2d_with_indices(channelsFirst(x), window, strides, {0, 0}, dilations, false);
}

Tensor maxPool(const Tensor& x_NHWC, const Ints& window, const Ints& strides, const Ints& sides, const Ints& dilations) {
  return channelsLast(std::get<0>(maxPoolWithIndices(x_NHWC, window, strides, sides, dilations))).to(x_NHWC.scalar_type());
}

Tensor maxPoolGrad(const Tensor& dy_NHWC, const Tensor& x_NHWC, const Ints& window, const Ints& strides,
                   const Ints& sides, const Ints& dilations) {
  const Tensor indices = std::get<1>(maxPoolWithIndices(x_NHWC, window, strides, sides, dilations));
  const Tensor x = pad(x_NHWC.to(dy_NHWC.scalar_type()), sides, 0);  // ATen reads only its shape
  const Tensor dx = at::max_pool2d_with_indices_backward(channelsFirst(dy_NHWC), channelsFirst(x), window, strides,
                                                         {0, 0}, dilations, false, indices);
  return unpad(channelsLast(dx), sides);
}

/** 1 / (number of real pixels) of each window, 1 H W 1. */
Tensor windowWeights(const Tensor& x_NHWC, const Ints& window, const Ints& strides, const Ints& sides) {
  const Tensor ones = pad(at::ones({1, x_NHWC.size(1), x_NHWC.size(2), 1}, x_NHWC.options().dtype(at::kFloat)), sides, 0);
  return channelsLast(at::avg_pool2d(channelsFirst(ones), window, strides, {0, 0}, false, true, 1)).reciprocal();
}

Tensor avgPool(const Tensor& x_NHWC, const Ints& window, const Ints& strides, const Ints& sides) {
  const Tensor x = channelsFirst(pad(asFloating(x_NHWC), sides, 0));
  if (!padded(sides)) return channelsLast(at::avg_pool2d(x, window, strides, {0, 0})).to(at::kFloat);
  const Tensor sums = channelsLast(at::avg_pool2d(x, window, strides, {0, 0}, false, true, 1));
  return at::mul(sums, windowWeights(x_NHWC, window, strides, sides)).to(at::kFloat);
}

Tensor avgPoolGrad(const Tensor& dy_NHWC, const Tensor& x_NHWC, const Ints& window, const Ints& strides, const Ints& sides) {
  const Tensor x = channelsFirst(pad(x_NHWC.to(dy_NHWC.scalar_type()), sides, 0));  // ATen reads only its shape
  if (!padded(sides)) {
    return channelsLast(at::avg_pool2d_backward(channelsFirst(dy_NHWC), x, window, strides, {0, 0}, false, true, {}));
  }
  const Tensor dy = at::mul(dy_NHWC, windowWeights(x_NHWC, window, strides, sides));
  return unpad(channelsLast(at::avg_pool2d_backward(channelsFirst(dy), x, window, strides, {0, 0}, false, true, 1)), sides);
}

}  // namespace

const std::vector<Kernel> poolingKernels = {
    {"AvgPool", bind<avgPool>},
    {"AvgPoolGrad", bind<avgPoolGrad>},
    {"MaxPool", bind<maxPool>},
    {"MaxPoolGrad", bind<maxPoolGrad>},
};

}  // namespace lockstep
