// Computes one update of the weights by Adam or AdamW (adam) and by SGD (sgd).
#include <cmath>

#include "kernels.h"

namespace lockstep {

LOCKSTEP_CLONES void adam(float* weights, const float* gradient, float* firstMoment, float* secondMoment,
                          const AdamConstants& constants, size_t size) {
  const AdamConstants c = constants;
  for (size_t i = 0; i < size; ++i) {
    const float weight = weights[i];
    const float g = gradient[i] * c.gradientScale + c.l2 * weight;
    const float m = c.beta1 * firstMoment[i] + c.oneMinusBeta1 * g;
    const float v = c.beta2 * secondMoment[i] + c.oneMinusBeta2 * (g * g);
    const float denominator = std::sqrt(v) / c.rootCorrection2 + c.epsilon;
    firstMoment[i] = m;
    secondMoment[i] = v;
    weights[i] = weight * c.weightFactor - c.stepSize * (m / denominator);
  }
}

LOCKSTEP_CLONES static void sgdPlain(float* weights, const float* gradient, const SgdConstants& constants,
                                     size_t size) {
  const SgdConstants c = constants;
  for (size_t i = 0; i < size; ++i) {
    const float g = gradient[i] * c.gradientScale + c.l2 * weights[i];
    weights[i] = weights[i] - c.learningRate * g;
  }
}

LOCKSTEP_CLONES static void sgdMomentum(float* weights, const float* gradient, float* velocity,
                                        const SgdConstants& constants, size_t size) {
  const SgdConstants c = constants;
  for (size_t i = 0; i < size; ++i) {
    const float g = gradient[i] * c.gradientScale + c.l2 * weights[i];
    const float moved = c.momentum * velocity[i] + g;
    velocity[i] = moved;
    weights[i] = weights[i] - c.learningRate * moved;
  }
}

void sgd(float* weights, const float* gradient, float* velocity, const SgdConstants& constants, size_t size) {
  if (velocity == nullptr) {
    sgdPlain(weights, gradient, constants, size);
  } else {
    sgdMomentum(weights, gradient, velocity, constants, size);
  }
}

}  // namespace lockstep
