// convolutionKernels: the 2-D convolution and its two gradients. Tensors are N H W C in memory; ATen gets them without
// a copy as N C H W in the memory format channels_last. Filters are H W I O. TypeScript has resolved strides and
// padding.
//
// N batch, H height, W width, I input channels, O output channels
#include "families.h"

namespace lockstep {

namespace {

using at::Tensor;

Tensor channelsFirst(const Tensor& x_NHWC) { return x_NHWC.permute({0, 3, 1, 2}); }
Tensor channelsLast(const Tensor& x_NCHW) { return x_NCHW.permute({0, 2, 3, 1}); }
/**
 * H W I O to O I H W, with the memory layout O H W I: one transpose of a matrix gives the layout that oneDNN requires.
 */
Tensor filterForAten(const Tensor& filter_HWIO) { return filter_HWIO.permute({3, 0, 1, 2}).contiguous().permute({0, 3, 1, 2}); }
Tensor filterFromAten(const Tensor& filter_OIHW) { return filter_OIHW.permute({2, 3, 1, 0}); }

/**
 * sides are top, bottom, left and right. ATen's padding is symmetric, so asymmetric padding is applied before the call.
 */
struct Padding {
  Ints sides;
  explicit Padding(const Ints& sides) : sides(sides) {}
  bool symmetric() const { return sides[0] == sides[1] && sides[2] == sides[3]; }
  Ints aten() const { return symmetric() ? Ints{sides[0], sides[2]} : Ints{0, 0}; }
  Tensor apply(const Tensor& x_NHWC) const {
    if (symmetric()) return x_NHWC;
    return at::constant_pad_nd(x_NHWC, {0, 0, sides[2], sides[3], sides[0], sides[1]}, 0);
  }
  Tensor undo(const Tensor& dx_NHWC) const {
    if (symmetric()) return dx_NHWC;
    return dx_NHWC.slice(1, sides[0], dx_NHWC.size(1) - sides[1]).slice(2, sides[2], dx_NHWC.size(2) - sides[3]);
  }
};

Tensor conv2d(const Tensor& x_NHWI, const Tensor& filter_HWIO, const OptionalTensor& bias, const Ints& strides,
              const Ints& sides, const Ints& dilations, int64_t groups) {
  const Padding padding(sides);
  const Tensor y = at::convolution(channelsFirst(padding.apply(x_NHWI)), filterForAten(filter_HWIO), bias.value_or(Tensor()), strides,
                                   padding.aten(), dilations, false, {0, 0}, groups);
  return channelsLast(y);
}

Tensor backpropInput(const Tensor& dy_NHWO, const Tensor& filter_HWIO, const Ints& inputShape, const Ints& strides,
                     const Ints& sides, const Ints& dilations, int64_t groups) {
  const Padding padding(sides);
  Ints padded = inputShape;
  if (!padding.symmetric()) {
    padded[1] += sides[0] + sides[1];
    padded[2] += sides[2] + sides[3];
  }
  // ATen reads only its shape and layout; its memory comes from the pool and is neither read nor written.
  const Tensor shape_NHWI = at::empty(padded, dy_NHWO.options());
  const Tensor dx = std::get<0>(at::convolution_backward(
      channelsFirst(dy_NHWO), channelsFirst(shape_NHWI), filterForAten(filter_HWIO), {}, strides,
      padding.aten(), dilations, false, {0, 0}, groups, {true, false, false}));
  return padding.undo(channelsLast(dx));
}

Tensor backpropFilter(const Tensor& x_NHWI, const Tensor& dy_NHWO, const Ints& filterShape, const Ints& strides,
                      const Ints& sides, const Ints& dilations, int64_t groups) {
  const Padding padding(sides);
  const Ints shape_OHWI = {filterShape[3], filterShape[0], filterShape[1], filterShape[2]};
  const Tensor shape = at::empty(shape_OHWI, dy_NHWO.options()).permute({0, 3, 1, 2});
  const Tensor dFilter = std::get<1>(at::convolution_backward(
      channelsFirst(dy_NHWO), channelsFirst(padding.apply(x_NHWI)), shape, {}, strides, padding.aten(), dilations,
      false, {0, 0}, groups, {false, true, false}));
  return filterFromAten(dFilter);
}

}  // namespace

const std::vector<Kernel> convolutionKernels = {
    {"Conv2D", bind<conv2d>},
    {"Conv2DBackpropFilter", bind<backpropFilter>},
    {"Conv2DBackpropInput", bind<backpropInput>},
};

}  // namespace lockstep
