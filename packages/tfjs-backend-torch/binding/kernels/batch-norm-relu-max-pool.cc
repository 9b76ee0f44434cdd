// batchNormReluMaxPoolKernels: the fused batch norm in training, ReLU and 2x2 max-pool (stride 2, valid), and its
// gradient. On the CPU it is computed by the loops of batch-norm-relu-max-pool-cpu.cc, on a GPU by ATen's operations.
//
// The gradient computes the maximum of each window again from x, with the arithmetic of the forward pass. That is
// cheaper than to store the positions of the maxima.
#include "kernels/batch-norm-relu-max-pool-cpu.h"

#include "families.h"

namespace lockstep {

namespace {

using at::Tensor;

// N batch, H height, W width, C channels
struct Affine {
  Tensor inverse;  // 1 / sqrt(variance + epsilon), C
  Tensor factor;   // scale * inverse, C
  Tensor shift;    // offset - mean * factor, C
  Affine(const Tensor& scale, const Tensor& offset, const Tensor& mean, const Tensor& variance, double epsilon)
      : inverse(at::reciprocal(at::sqrt(at::add(variance, epsilon)))),
        factor(at::mul(scale, inverse)),
        shift(at::sub(offset, at::mul(mean, factor))) {}
};

PoolShape check(const Tensor& x_NHWC, const Tensor& scale, const Tensor& offset) {
  TORCH_CHECK(x_NHWC.dim() == 4 && x_NHWC.scalar_type() == at::kFloat, "x must be float32 and of rank 4");
  const PoolShape shape{x_NHWC.size(0), x_NHWC.size(1), x_NHWC.size(2), x_NHWC.size(3)};
  TORCH_CHECK(shape.N > 0 && shape.H > 1 && shape.W > 1, "x of shape ", x_NHWC.sizes(), " is smaller than one 2x2 window");
  TORCH_CHECK(scale.dim() == 1 && scale.size(0) == shape.C && offset.dim() == 1 && offset.size(0) == shape.C,
              "scale and offset must have the shape [", shape.C, "]");
  return shape;
}

Tensor composedActivation(const Tensor& x_NHWC, const Affine& affine) {
  return at::relu(at::addcmul(affine.shift, x_NHWC, affine.factor)).permute({0, 3, 1, 2});
}

std::tuple<Tensor, Tensor, Tensor> forward(const Tensor& x_NHWC, const Tensor& scale, const Tensor& offset,
                                           double epsilon) {
  const PoolShape shape = check(x_NHWC, scale, offset);
  if (!x_NHWC.is_cpu()) {
    const Ints pixels = {0, 1, 2};
    const Tensor mean = at::mean(x_NHWC, pixels);
    const Tensor centred = at::sub(x_NHWC, mean);
    const Tensor variance = at::mean(at::mul(centred, centred), pixels);
    const Tensor z_NCHW = composedActivation(x_NHWC, Affine(scale, offset, mean, variance, epsilon));
    const Tensor y_NCHW = std::get<0>(at::max_pool2d_with_indices(z_NCHW, {2, 2}, {2, 2}));
    return {y_NCHW.permute({0, 2, 3, 1}), mean, variance};
  }
  const Tensor mean = at::empty({shape.C}, x_NHWC.options());
  const Tensor variance = at::empty({shape.C}, x_NHWC.options());
  channelStatistics(shape, x_NHWC.data_ptr<float>(), mean.data_ptr<float>(), variance.data_ptr<float>());
  const Affine affine(scale, offset, mean, variance, epsilon);
  const Tensor y = at::empty({shape.N, shape.H / 2, shape.W / 2, shape.C}, x_NHWC.options());
  normReluPool(shape, x_NHWC.data_ptr<float>(), affine.factor.data_ptr<float>(), affine.shift.data_ptr<float>(),
               y.data_ptr<float>());
  return {y, mean, variance};
}

std::tuple<Tensor, Tensor, Tensor> backward(const Tensor& dy, const Tensor& x_NHWC, const Tensor& scale,
                                            const Tensor& offset, const Tensor& mean, const Tensor& variance,
                                            double epsilon) {
  const PoolShape shape = check(x_NHWC, scale, offset);
  TORCH_CHECK(dy.sizes().equals({shape.N, shape.H / 2, shape.W / 2, shape.C}), "dy has the shape ", dy.sizes());
  const Affine affine(scale, offset, mean, variance, epsilon);
  const double count = static_cast<double>(shape.N * shape.H * shape.W);
  Tensor dscale, doffset;
  if (!x_NHWC.is_cpu()) {
    const Ints pixels = {0, 1, 2};
    const Tensor z_NCHW = composedActivation(x_NHWC, affine);
    const Tensor places = std::get<1>(at::max_pool2d_with_indices(z_NCHW, {2, 2}, {2, 2}));
    const Tensor dz_NCHW = at::max_pool2d_with_indices_backward(dy.permute({0, 3, 1, 2}), z_NCHW, {2, 2}, {2, 2}, {0, 0},
                                                                {1, 1}, false, places);
    const Tensor dz = at::threshold_backward(dz_NCHW, z_NCHW, 0).permute({0, 2, 3, 1});
    const Tensor normal = at::mul(at::sub(x_NHWC, mean), affine.inverse);
    doffset = at::sum(dz, pixels);
    dscale = at::sum(at::mul(dz, normal), pixels);
    const Tensor centred = at::sub(dz, at::add(at::mul(normal, at::div(dscale, count)), at::div(doffset, count)));
    return {at::mul(centred, affine.factor), dscale, doffset};
  }
  dscale = at::empty({shape.C}, x_NHWC.options());
  doffset = at::empty({shape.C}, x_NHWC.options());
  const float* from = x_NHWC.data_ptr<float>();
  const float* factor = affine.factor.data_ptr<float>();
  const float* shift = affine.shift.data_ptr<float>();
  normReluPoolSums(shape, dy.data_ptr<float>(), from, factor, shift, mean.data_ptr<float>(),
                   affine.inverse.data_ptr<float>(), dscale.data_ptr<float>(), doffset.data_ptr<float>());
  const Tensor slope = at::mul(at::mul(affine.factor, affine.inverse), at::div(dscale, count));
  const Tensor level = at::mul(affine.factor, at::div(doffset, count));
  const Tensor dx = at::empty(x_NHWC.sizes(), x_NHWC.options());
  normReluPoolGrad(shape, dy.data_ptr<float>(), from, factor, shift, mean.data_ptr<float>(), slope.data_ptr<float>(),
                   level.data_ptr<float>(), dx.data_ptr<float>());
  return {dx, dscale, doffset};
}

}  // namespace

const std::vector<Kernel> batchNormReluMaxPoolKernels = {
    {"BatchNormReluMaxPool", bind<forward>},
    {"BatchNormReluMaxPoolGrad", bind<backward>},
};

}  // namespace lockstep
