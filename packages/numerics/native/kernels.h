// Declares the native kernels, with the names and the order of src/kernels.ts. The TypeScript kernels (src/reference-*.ts) define
// their results. Two array arguments are either the same array or do not overlap. Sizes are in elements.
#pragma once

#include <cstddef>
#include <cstdint>

// Kernels are compiled for several instruction sets; one is chosen when the library loads. The bits are the same: lanes do not
// depend on the width, no operation is reassociated, and -ffp-contract=off keeps multiply and add apart. To try one set
// only, build with CXXFLAGS=-DLOCKSTEP_CLONES= (the baseline), or add -mavx2 to it.
#ifdef LOCKSTEP_CLONES
#elif defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define LOCKSTEP_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LOCKSTEP_CLONES
#endif

namespace lockstep {

struct AdamConstants {
  float gradientScale, l2, weightFactor, beta1, oneMinusBeta1, beta2, oneMinusBeta2, rootCorrection2, epsilon, stepSize;
};

struct SgdConstants {
  float gradientScale, l2, momentum, learningRate;
};

// From B x S x S x 3 to B x T x T x 3: batch B, size S, outSize T.
struct WarpShape {
  uint32_t batch, size, outSize;
};

void addFloat32(float* into, const float* from, size_t size);
void addFloat64(double* into, const double* from, size_t size);
void scaleFloat32(float* into, float factor, size_t size);
void scaleFloat64(double* into, double factor, size_t size);
double sumOfSquares(const float* x, size_t size);
bool allFinite(const float* x, size_t size);
void updateStatistics(float* running, const float* sum, const float* momentum, float totalCount, size_t size);
void adam(float* weights, const float* gradient, float* firstMoment, float* secondMoment,
          const AdamConstants& constants, size_t size);
// velocity is null without momentum.
void sgd(float* weights, const float* gradient, float* velocity, const SgdConstants& constants, size_t size);
// coordinates are key 0, key 1 and counters 1, 2, 3.
void fillUniform(const uint32_t* coordinates, uint32_t first, float* out, size_t size);
// normalisation is mean r, g, b, then deviation r, g, b.
void warpImages(const uint8_t* pixels, const WarpShape& shape, const float* affine, const float* colour,
                const float* normalisation, float* out);

}  // namespace lockstep
