// The elementwise vector kernels, and the reductions sumOfSquares and allFinite.
#include <cstring>

#include "kernels.h"

namespace lockstep {

LOCKSTEP_CLONES void addFloat32(float* into, const float* from, size_t size) {
  for (size_t i = 0; i < size; ++i) into[i] += from[i];
}

LOCKSTEP_CLONES void addFloat64(double* into, const double* from, size_t size) {
  for (size_t i = 0; i < size; ++i) into[i] += from[i];
}

LOCKSTEP_CLONES void scaleFloat32(float* into, float factor, size_t size) {
  for (size_t i = 0; i < size; ++i) into[i] *= factor;
}

LOCKSTEP_CLONES void scaleFloat64(double* into, double factor, size_t size) {
  for (size_t i = 0; i < size; ++i) into[i] *= factor;
}

LOCKSTEP_CLONES double sumOfSquares(const float* x, size_t size) {
  double lanes[8] = {};
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    for (size_t lane = 0; lane < 8; ++lane) {
      const double value = x[i + lane];
      lanes[lane] += value * value;
    }
  }
  for (; i < size; ++i) {
    const double value = x[i];
    lanes[i & 7] += value * value;
  }
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

LOCKSTEP_CLONES bool allFinite(const float* x, size_t size) {
  constexpr uint32_t exponent = 0x7f800000;
  constexpr size_t block = 4096;
  for (size_t start = 0; start < size; start += block) {
    const size_t end = start + block < size ? start + block : size;
    uint32_t found = 0;
    for (size_t i = start; i < end; ++i) {
      uint32_t bits;
      std::memcpy(&bits, x + i, sizeof bits);
      found |= (bits & exponent) == exponent ? 1u : 0u;
    }
    if (found != 0) return false;
  }
  return true;
}

LOCKSTEP_CLONES void updateStatistics(float* running, const float* sum, const float* momentum, float totalCount,
                                      size_t size) {
  for (size_t i = 0; i < size; ++i) {
    const float kept = (1.0f - momentum[i]) * running[i];
    running[i] = kept + momentum[i] * (sum[i] / totalCount);
  }
}

}  // namespace lockstep
