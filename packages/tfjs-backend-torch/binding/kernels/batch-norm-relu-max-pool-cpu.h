// Owns the declarations of the CPU loops behind the fused kernel; plain pointers, so that the file that is compiled for
// several instruction sets pulls in no ATen.
#pragma once

#include <cstdint>

namespace lockstep {

// Shapes: x and dx N H W C; y and dy N H/2 W/2 C; all others C. H and W may be odd: the last row or column is in no window.
struct PoolShape {
  int64_t N, H, W, C;
};

/** Batch statistics by channel: mean and biased variance. */
void channelStatistics(const PoolShape& shape, const float* x, float* mean, float* variance);

/** y = max over 2x2 of relu(x * factor + shift). */
void normReluPool(const PoolShape& shape, const float* x, const float* factor, const float* shift, float* y);

/** dscale and doffset: by channel the sums of dz * (x - mean) * inverse and of dz, dz being dy at each window's maximum. */
void normReluPoolSums(const PoolShape& shape, const float* dy, const float* x, const float* factor, const float* shift,
                      const float* mean, const float* inverse, float* dscale, float* doffset);

/** dx = dz * factor - (x - mean) * slope - level. */
void normReluPoolGrad(const PoolShape& shape, const float* dy, const float* x, const float* factor, const float* shift,
                      const float* mean, const float* slope, const float* level, float* dx);

}  // namespace lockstep
