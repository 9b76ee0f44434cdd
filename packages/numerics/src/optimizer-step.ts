// Computes one update of the weights with each optimizer: `adamStep`, `adamwStep`, `sgdStep`, as defined by PyTorch (torch.optim,
// single-tensor form). Scalar constants are doubles that are rounded to float32 once, here. After that, every operation is
// rounded to float32.
import { adamConstantOrder, sgdConstantOrder } from "./kernels.js";
import { kernels } from "./native.js";
import { requireLength } from "./vector.js";

export interface AdamConstants {
  /** The gradient is multiplied by it first: the clipping factor; 1 without clipping. */
  readonly gradientScale: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly learningRate: number;
  /** adamStep: L2, added to the gradient. adamwStep: decoupled. 0 without decay. */
  readonly weightDecay: number;
  /** The number of this update, from 1. */
  readonly update: number;
}

export interface SgdConstants {
  /** The gradient is multiplied by it first: the clipping factor; 1 without clipping. */
  readonly gradientScale: number;
  readonly momentum: number;
  readonly learningRate: number;
  /** L2. */
  readonly weightDecay: number;
}

/**
 * g = gradient * gradientScale + weightDecay * w; m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
 * w -= learningRate / (1 - beta1^t) * (m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)). Weights and moments change in place.
 * @throws RangeError if the arrays have different lengths
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

/** The same as adamStep with decoupled decay: w *= 1 - learningRate * weightDecay, and g is gradient * gradientScale. */
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
 * velocity starts at 0. Null means no momentum: w -= learningRate * g. Weights and velocity change in place.
 * @throws RangeError if the arrays have different lengths
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

/**
 * base^exponent by squaring. Math.pow's last bit may differ between versions of the JavaScript engine.
 * @throws RangeError if the exponent is not an integer of at least 1
 */
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
