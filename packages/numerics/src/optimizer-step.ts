// Owns one update of weights by each optimizer, with PyTorch's meaning (torch.optim, single-tensor form). Scalars are
// computed in double by the caller and rounded to float32 once, here; then every operation is rounded to float32.
import { adamConstantOrder, sgdConstantOrder } from "./kernels.js";
import { kernels } from "./native.js";
import { requireLength } from "./vector.js";

export interface AdamConstants {
  /** Multiplied into the gradient first: the clipping factor; 1 for none. */
  readonly gradientScale: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly learningRate: number;
  /** adamStep: L2, added to the gradient. adamwStep: decoupled. 0 for none. */
  readonly weightDecay: number;
  /** This update's number, from 1. */
  readonly update: number;
}

export interface SgdConstants {
  readonly gradientScale: number;
  readonly momentum: number;
  readonly learningRate: number;
  /** L2. */
  readonly weightDecay: number;
}

/**
 * g = gradient * gradientScale + weightDecay * w; m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
 * w -= learningRate / (1 - beta1^t) * (m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)). In place; equal lengths.
 */
export function adamStep(
  weights: Float32Array,
  gradient: Float32Array,
  firstMoment: Float32Array,
  secondMoment: Float32Array,
  constants: AdamConstants,
): void {
  const resolved = { l2: constants.weightDecay, weightFactor: 1 };
  runAdam(weights, gradient, firstMoment, secondMoment, constants, resolved);
}

/** As adamStep, but the decay is decoupled: w *= 1 - learningRate * weightDecay, and g is without it. */
export function adamwStep(
  weights: Float32Array,
  gradient: Float32Array,
  firstMoment: Float32Array,
  secondMoment: Float32Array,
  constants: AdamConstants,
): void {
  const resolved = { l2: 0, weightFactor: 1 - constants.learningRate * constants.weightDecay };
  runAdam(weights, gradient, firstMoment, secondMoment, constants, resolved);
}

/**
 * g = gradient * gradientScale + weightDecay * w; velocity = momentum * velocity + g; w -= learningRate * velocity.
 * velocity starts at 0; null means no momentum: w -= learningRate * g.
 */
export function sgdStep(
  weights: Float32Array,
  gradient: Float32Array,
  velocity: Float32Array | null,
  constants: SgdConstants,
): void {
  requireLength("sgdStep: gradient", gradient.length, weights.length);
  if (velocity) requireLength("sgdStep: velocity", velocity.length, weights.length);
  const resolved = { ...constants, l2: constants.weightDecay };
  const packed = Float32Array.from(sgdConstantOrder, (name) => resolved[name]);
  kernels().sgd(weights, gradient, velocity, packed);
}

function runAdam(
  weights: Float32Array,
  gradient: Float32Array,
  firstMoment: Float32Array,
  secondMoment: Float32Array,
  constants: AdamConstants,
  decay: { readonly l2: number; readonly weightFactor: number },
): void {
  requireLength("adamStep: gradient", gradient.length, weights.length);
  requireLength("adamStep: firstMoment", firstMoment.length, weights.length);
  requireLength("adamStep: secondMoment", secondMoment.length, weights.length);
  const { beta1, beta2, epsilon, learningRate, gradientScale, update } = constants;
  const resolved = {
    ...decay,
    gradientScale,
    beta1,
    oneMinusBeta1: 1 - beta1,
    beta2,
    oneMinusBeta2: 1 - beta2,
    rootCorrection2: Math.sqrt(1 - integerPower(beta2, update)),
    epsilon,
    stepSize: learningRate / (1 - integerPower(beta1, update)),
  };
  const packed = Float32Array.from(adamConstantOrder, (name) => resolved[name]);
  kernels().adam(weights, gradient, firstMoment, secondMoment, packed);
}

/** base^exponent by squaring: Math.pow's last bit may differ between engine versions. exponent: integer, at least 1. */
export function integerPower(base: number, exponent: number): number {
  if (!Number.isSafeInteger(exponent) || exponent < 1) {
    throw new RangeError(`exponent ${exponent}: must be an integer, at least 1`);
  }
  let result = 1;
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
