// The TypeScript kernels (`referenceKernels`). They define the results, and run when the addon is absent. Math.fround after each
// operation rounds as a float32 operation does: the operands are float32, and a double has more than 2 * 24 + 2 bits.
//
// `as number` is safe here: every index is below the length that the public functions checked.
import type { Kernels } from "./kernels.js";
import { philox4x32 } from "./philox.js";
import { warpImages } from "./reference-warp.js";

const f = Math.fround;

export const referenceKernels: Kernels = {
  addFloat32(into, from) {
    for (let i = 0; i < into.length; i += 1) into[i] = f((into[i] as number) + (from[i] as number));
  },

  addFloat64(into, from) {
    for (let i = 0; i < into.length; i += 1) into[i] = (into[i] as number) + (from[i] as number);
  },

  scaleFloat32(into, factor) {
    for (let i = 0; i < into.length; i += 1) into[i] = f((into[i] as number) * factor);
  },

  scaleFloat64(into, factor) {
    for (let i = 0; i < into.length; i += 1) into[i] = (into[i] as number) * factor;
  },

  sumOfSquares(x) {
    const lanes = new Float64Array(8);
    for (let i = 0; i < x.length; i += 1) {
      const value = x[i] as number;
      lanes[i & 7] = (lanes[i & 7] as number) + value * value;
    }
    const [a, b, c, d, e, g, h, k] = lanes as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return a + b + (c + d) + (e + g + (h + k));
  },

  allFinite(x) {
    // A finite number times zero is zero. An infinity or a NaN times zero is NaN, and makes the sum NaN.
    let sum = 0;
    for (let i = 0; i < x.length; i += 1) sum += (x[i] as number) * 0;
    return sum === 0;
  },

  updateStatistics(running, sum, momentum, totalCount) {
    for (let i = 0; i < running.length; i += 1) {
      const share = momentum[i] as number;
      const kept = f(f(1 - share) * (running[i] as number));
      running[i] = f(kept + f(share * f((sum[i] as number) / totalCount)));
    }
  },

  adam(weights, gradient, firstMoment, secondMoment, constants) {
    const [scale, l2, weightFactor, beta1, oneMinusBeta1, beta2, oneMinusBeta2, rootCorrection2, epsilon, stepSize] =
      constants as unknown as [number, number, number, number, number, number, number, number, number, number];
    for (let i = 0; i < weights.length; i += 1) {
      const weight = weights[i] as number;
      const g = f(f((gradient[i] as number) * scale) + f(l2 * weight));
      const m = f(f(beta1 * (firstMoment[i] as number)) + f(oneMinusBeta1 * g));
      const v = f(f(beta2 * (secondMoment[i] as number)) + f(oneMinusBeta2 * f(g * g)));
      const denominator = f(f(f(Math.sqrt(v)) / rootCorrection2) + epsilon);
      firstMoment[i] = m;
      secondMoment[i] = v;
      weights[i] = f(f(weight * weightFactor) - f(stepSize * f(m / denominator)));
    }
  },

  sgd(weights, gradient, velocity, constants) {
    const [scale, l2, momentum, learningRate] = constants as unknown as [number, number, number, number];
    for (let i = 0; i < weights.length; i += 1) {
      const weight = weights[i] as number;
      let g = f(f((gradient[i] as number) * scale) + f(l2 * weight));
      if (velocity) {
        g = f(f(momentum * (velocity[i] as number)) + g);
        velocity[i] = g;
      }
      weights[i] = f(weight - f(learningRate * g));
    }
  },

  fillUniform(coordinates, first, out) {
    const [k0, k1, a, b, c] = coordinates as unknown as [number, number, number, number, number];
    const block = new Uint32Array(4);
    let i = 0;
    while (i < out.length) {
      const draw = first + i;
      philox4x32([k0, k1], [Math.floor(draw / 4), a, b, c], block);
      for (let word = draw % 4; word < 4 && i < out.length; word += 1, i += 1) {
        out[i] = ((block[word] as number) >>> 8) * 2 ** -24;
      }
    }
  },

  warpImages,
};
