// Declares the CPU loops of the fused kernel. They take plain pointers, so that the file that is compiled for several
// instruction sets includes no ATen header.
#pragma once

#include <cstdint>

namespace lockstep {

/** x and dx have the shape N H W C; y and dy N H/2 W/2 C; all others C. An odd last row or column is in no window. */
struct PoolShape {
  int64_t N, H, W, C;
};

/** Computes the mean and the biased variance of each channel. */
void channelStatistics(const PoolShape& shape, const float* x, float* mean, float* variance);

/** y = max over 2x2 of relu(x * factor + shift). */
void normReluPool(const PoolShape& shape, const float* x, const float* factor, const float* shift, float* y);

/**
 * For each channel, dscale is the sum of dz * (x - mean) * inverse and doffset the sum of dz; see normReluPoolGrad for
 * dz.
 */
void normReluPoolSums(const PoolShape& shape, const float* dy, const float* x, const float* factor, const float* shift,
                      const float* mean, const float* inverse, float* dscale, float* doffset);

/**
 * dx = dz * factor - (x - mean) * slope - level. dz is dy at the maximum of each window if the maximum is above 0, else
 * 0.
 */
void normReluPoolGrad(const PoolShape& shape, const float* dy, const float* x, const float* factor, const float* shift,
                      const float* mean, const float* slope, const float* level, float* dx);

}  // namespace lockstep
