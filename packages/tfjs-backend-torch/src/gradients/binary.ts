// binaryGradients: the gradients of elementwise kernels of several tensors. Each is summed to the shape of its input,
// which undoes broadcasting.
import * as tf from "@tensorflow/tfjs-core";
import { type Gradients, gradient, masked, unbroadcast } from "./gradient.js";

const { cast, div, floor, greater, less, mul, neg, square, sub, where, zerosLike } = tf;

type Derivative = (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const float = (x: tf.Tensor) => cast(x, "float32");

/** The gradient of a kernel with inputs a and b. byA and byB return gradients in the shape of the output. */
const ofAB = (byA: Derivative, byB: Derivative) =>
  gradient({ inputs: ["a", "b"] }, (dy, [a, b]) => ({
    a: () => unbroadcast(byA(dy, a, b), a.shape),
    b: () => unbroadcast(byB(dy, a, b), b.shape),
  }));

const zero = gradient({ inputs: ["a", "b"] }, (_, [a, b]) => ({ a: () => zerosLike(a), b: () => zerosLike(b) }));
const unchanged: Derivative = (dy) => dy;
const byDivisor: Derivative = (dy, a, b) => neg(div(mul(dy, float(a)), float(square(b))));

export const binaryGradients: Gradients = {
  Add: ofAB(unchanged, unchanged),
  AddN: { saveAllInputs: true, gradFunc: (dy, saved) => saved.map(() => () => (dy as tf.Tensor).clone()) as never },
  Atan2: ofAB(
    (dy, a, b) => mul(dy, div(b, tf.add(square(a), square(b)))),
    (dy, a, b) => neg(mul(dy, div(a, tf.add(square(a), square(b))))),
  ),
  FloorDiv: ofAB((dy, _, b) => div(dy, float(b)), byDivisor),
  GreaterEqual: zero,
  Maximum: ofAB(
    (dy, a, b) => masked(dy, tf.greaterEqual(a, b)),
    (dy, a, b) => masked(dy, less(a, b)),
  ),
  Minimum: ofAB(
    (dy, a, b) => masked(dy, tf.lessEqual(a, b)),
    (dy, a, b) => masked(dy, greater(a, b)),
  ),
  Mod: ofAB(unchanged, (dy, a, b) => mul(dy, neg(floor(div(a, b))))),
  Multiply: ofAB(
    (dy, _, b) => mul(dy, float(b)),
    (dy, a) => mul(dy, float(a)),
  ),
  Pow: gradient({ inputs: ["a", "b"], outputs: [true] }, (dy, [base, exponent, y]) => ({
    a: () => {
      const power = float(exponent);
      return unbroadcast(mul(dy, mul(power, tf.pow(base, sub(power, 1)))), base.shape);
    },
    b: () => {
      const logarithm = where(greater(base, 0), tf.log(base), zerosLike(base));
      return unbroadcast(mul(dy, mul(y, logarithm)), exponent.shape);
    },
  })),
  Prelu: gradient({ inputs: ["x", "alpha"] }, (dy, [x, alpha]) => ({
    x: () => where(greater(x, 0), dy, mul(dy, alpha)),
    alpha: () => unbroadcast(where(greater(x, 0), zerosLike(dy), mul(dy, x)), alpha.shape),
  })),
  RealDiv: ofAB((dy, _, b) => div(dy, float(b)), byDivisor),
  Select: gradient({ inputs: ["condition"] }, (dy, [condition]) => {
    // A condition of rank 1 chooses rows.
    const mask = () =>
      condition.rank === 1 && dy.rank > 1
        ? tf.reshape(condition, [condition.size, ...new Array<number>(dy.rank - 1).fill(1)])
        : condition;
    return {
      condition: () => float(zerosLike(condition)),
      t: () => masked(dy, mask()),
      e: () => masked(dy, tf.logicalNot(mask())),
    };
  }),
  SquaredDifference: ofAB(
    (dy, a, b) => mul(dy, mul(2, sub(a, b))),
    (dy, a, b) => mul(dy, mul(2, sub(b, a))),
  ),
  Sub: ofAB(unchanged, (dy) => neg(dy)),
};
