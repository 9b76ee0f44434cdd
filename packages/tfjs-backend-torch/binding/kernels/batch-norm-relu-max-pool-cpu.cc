// The CPU loops of the fused batch norm, ReLU and 2x2 max-pool; see batch-norm-relu-max-pool-cpu.h.
//
// Invariant: the instruction set changes no bit. The loops use one thread. Every channel is summed in the order of the
// pixels: in float32 within a block of 64 pixels, in double across blocks. Vector instructions compute several channels
// at once, never several pixels of a sum, and contraction into fused multiply-adds is off. So each function can be
// compiled for three instruction sets.
#include "kernels/batch-norm-relu-max-pool-cpu.h"

#include <algorithm>
#include <vector>

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define LOCKSTEP_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LOCKSTEP_CLONES
#endif

namespace lockstep {

namespace {

constexpr int64_t blockPixels = 64;

/** Adds a block's float sums to the double totals, and sets the float sums to 0. */
inline __attribute__((always_inline)) void flush(int64_t channels, float* __restrict block, double* __restrict total) {
  for (int64_t c = 0; c < channels; c++) {
    total[c] += static_cast<double>(block[c]);
    block[c] = 0;
  }
}

}  // namespace

LOCKSTEP_CLONES
void channelStatistics(const PoolShape& shape, const float* __restrict x, float* __restrict mean, float* __restrict variance) {
  const int64_t C = shape.C;
  const int64_t pixels = shape.N * shape.H * shape.W;
  // Sums differences from the first pixel, so that the sum of squares is exact enough also for a mean far from zero.
  const std::vector<float> originStore(x, x + C);
  std::vector<float> blockSumStore(C), blockSquareStore(C);
  std::vector<double> sumStore(C), squareStore(C);
  const float* __restrict origin = originStore.data();
  float* __restrict blockSum = blockSumStore.data();
  float* __restrict blockSquare = blockSquareStore.data();
  for (int64_t first = 0; first < pixels; first += blockPixels) {
    const int64_t last = std::min(pixels, first + blockPixels);
    for (int64_t p = first; p < last; p++) {
      const float* __restrict row = x + p * C;
      for (int64_t c = 0; c < C; c++) {
        const float d = row[c] - origin[c];
        blockSum[c] += d;
        blockSquare[c] += d * d;
      }
    }
    flush(C, blockSum, sumStore.data());
    flush(C, blockSquare, squareStore.data());
  }
  for (int64_t c = 0; c < C; c++) {
    const double offset = sumStore[c] / static_cast<double>(pixels);
    mean[c] = static_cast<float>(static_cast<double>(origin[c]) + offset);
    variance[c] = static_cast<float>(std::max(0.0, squareStore[c] / static_cast<double>(pixels) - offset * offset));
    // std::max replaces a NaN by 0, so NaN is set here.
    if (!(squareStore[c] == squareStore[c])) variance[c] = static_cast<float>(squareStore[c]);
  }
}

LOCKSTEP_CLONES
void normReluPool(const PoolShape& shape, const float* __restrict x, const float* __restrict factor,
                  const float* __restrict shift, float* __restrict y) {
  const int64_t C = shape.C, W = shape.W;
  const int64_t outH = shape.H / 2, outW = W / 2;
  for (int64_t n = 0; n < shape.N; n++) {
    for (int64_t h = 0; h < outH; h++) {
      const float* __restrict top = x + ((n * shape.H + 2 * h) * W) * C;
      float* __restrict out = y + ((n * outH + h) * outW) * C;
      for (int64_t w = 0; w < outW; w++) {
        const float* __restrict x0 = top + 2 * w * C;
        const float* __restrict x1 = x0 + C;
        const float* __restrict x2 = x0 + W * C;
        const float* __restrict x3 = x2 + C;
        float* __restrict to = out + w * C;
        for (int64_t c = 0; c < C; c++) {
          const float a = factor[c], b = shift[c];
          const float v0 = x0[c] * a + b, v1 = x1[c] * a + b, v2 = x2[c] * a + b, v3 = x3[c] * a + b;
          float best = v1 > v0 ? v1 : v0;
          best = v2 > best ? v2 : best;
          best = v3 > best ? v3 : best;
          to[c] = best < 0 ? 0.0f : best;
        }
      }
    }
  }
}

LOCKSTEP_CLONES
void normReluPoolSums(const PoolShape& shape, const float* __restrict dy, const float* __restrict x,
                      const float* __restrict factor, const float* __restrict shift, const float* __restrict mean,
                      const float* __restrict inverse, float* __restrict dscale, float* __restrict doffset) {
  const int64_t C = shape.C, W = shape.W;
  const int64_t outH = shape.H / 2, outW = W / 2;
  std::vector<float> blockScaleStore(C), blockOffsetStore(C);
  std::vector<double> scaleStore(C), offsetStore(C);
  float* __restrict blockScale = blockScaleStore.data();
  float* __restrict blockOffset = blockOffsetStore.data();
  int64_t inBlock = 0;
  for (int64_t n = 0; n < shape.N; n++) {
    for (int64_t h = 0; h < outH; h++) {
      const float* __restrict top = x + ((n * shape.H + 2 * h) * W) * C;
      const float* __restrict from = dy + ((n * outH + h) * outW) * C;
      for (int64_t w = 0; w < outW; w++) {
        const float* __restrict x0 = top + 2 * w * C;
        const float* __restrict x1 = x0 + C;
        const float* __restrict x2 = x0 + W * C;
        const float* __restrict x3 = x2 + C;
        const float* __restrict g = from + w * C;
        for (int64_t c = 0; c < C; c++) {
          const float a = factor[c], b = shift[c];
          const float v0 = x0[c] * a + b, v1 = x1[c] * a + b, v2 = x2[c] * a + b, v3 = x3[c] * a + b;
          float best = v0, chosen = x0[c];
          chosen = v1 > best ? x1[c] : chosen;
          best = v1 > best ? v1 : best;
          chosen = v2 > best ? x2[c] : chosen;
          best = v2 > best ? v2 : best;
          chosen = v3 > best ? x3[c] : chosen;
          best = v3 > best ? v3 : best;
          const float dz = best > 0 ? g[c] : 0.0f;
          blockOffset[c] += dz;
          blockScale[c] += dz * (chosen - mean[c]);
        }
        if (++inBlock == blockPixels) {
          flush(C, blockScale, scaleStore.data());
          flush(C, blockOffset, offsetStore.data());
          inBlock = 0;
        }
      }
    }
  }
  flush(C, blockScale, scaleStore.data());
  flush(C, blockOffset, offsetStore.data());
  for (int64_t c = 0; c < C; c++) {
    dscale[c] = static_cast<float>(scaleStore[c] * static_cast<double>(inverse[c]));
    doffset[c] = static_cast<float>(offsetStore[c]);
  }
}

LOCKSTEP_CLONES
void normReluPoolGrad(const PoolShape& shape, const float* __restrict dy, const float* __restrict x,
                      const float* __restrict factor, const float* __restrict shift, const float* __restrict mean,
                      const float* __restrict slope, const float* __restrict level, float* __restrict dx) {
  const int64_t C = shape.C, W = shape.W;
  const int64_t outH = shape.H / 2, outW = W / 2;
  for (int64_t n = 0; n < shape.N; n++) {
    for (int64_t h = 0; h < outH; h++) {
      const int64_t topOffset = ((n * shape.H + 2 * h) * W) * C;
      const float* __restrict from = dy + ((n * outH + h) * outW) * C;
      for (int64_t w = 0; w < outW; w++) {
        const float* __restrict x0 = x + topOffset + 2 * w * C;
        const float* __restrict x1 = x0 + C;
        const float* __restrict x2 = x0 + W * C;
        const float* __restrict x3 = x2 + C;
        const float* __restrict g = from + w * C;
        float* __restrict d0 = dx + topOffset + 2 * w * C;
        float* __restrict d1 = d0 + C;
        float* __restrict d2 = d0 + W * C;
        float* __restrict d3 = d2 + C;
        for (int64_t c = 0; c < C; c++) {
          const float a = factor[c], b = shift[c];
          const float v0 = x0[c] * a + b, v1 = x1[c] * a + b, v2 = x2[c] * a + b, v3 = x3[c] * a + b;
          // The first of equal maxima gets the gradient, so a later one must be greater.
          const float m1 = v1 > v0 ? v1 : v0;
          const float m2 = v2 > m1 ? v2 : m1;
          const float m3 = v3 > m2 ? v3 : m2;
          const float dz = m3 > 0 ? g[c] * a : 0.0f;
          const float z3 = v3 > m2 ? dz : 0.0f;
          const float r2 = v3 > m2 ? 0.0f : dz;
          const float z2 = v2 > m1 ? r2 : 0.0f;
          const float r1 = v2 > m1 ? 0.0f : r2;
          const float z1 = v1 > v0 ? r1 : 0.0f;
          const float z0 = v1 > v0 ? 0.0f : r1;
          const float q = slope[c], m = mean[c], s = level[c];
          d0[c] = z0 - ((x0[c] - m) * q + s);
          d1[c] = z1 - ((x1[c] - m) * q + s);
          d2[c] = z2 - ((x2[c] - m) * q + s);
          d3[c] = z3 - ((x3[c] - m) * q + s);
        }
      }
    }
    // Pixels of an odd last row or column are in no window, but they are part of the statistics.
    for (int64_t h = 0; h < shape.H; h++) {
      const int64_t firstLeft = h < 2 * outH ? 2 * outW : 0;
      for (int64_t w = firstLeft; w < W; w++) {
        const float* __restrict from = x + ((n * shape.H + h) * W + w) * C;
        float* __restrict to = dx + ((n * shape.H + h) * W + w) * C;
        for (int64_t c = 0; c < C; c++) to[c] = 0.0f - ((from[c] - mean[c]) * slope[c] + level[c]);
      }
    }
  }
}

}  // namespace lockstep
