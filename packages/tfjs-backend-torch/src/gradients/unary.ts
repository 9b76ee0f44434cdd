// unaryGradients: the gradients of kernels of one tensor.
import * as tf from "@tensorflow/tfjs-core";
import { type Gradients, gradient, masked, ofOutput, ofX } from "./gradient.js";

const { add, cast, cos, cosh, div, exp, greater, mul, neg, scalar, sin, sinh, sqrt, square, sub, where, zerosLike } =
  tf;

const float = (x: tf.Tensor) => cast(x, "float32");
const zero = ofX((dy) => zerosLike(dy));
/** The gradient dy / sqrt(radicand), where the radicand is computed from x * x. */
const overRoot = (radicand: (squared: tf.Tensor) => tf.Tensor) =>
  ofX((dy, x) => div(dy, sqrt(radicand(square(float(x))))));

const seluScale = 1.0507009873554805;
const seluAlpha = 1.6732632423543772;

export const unaryGradients: Gradients = {
  Abs: ofX((dy, x) => mul(dy, tf.step(float(x), -1))),
  Acos: ofX((dy, x) => neg(div(dy, sqrt(sub(1, square(float(x))))))),
  Acosh: overRoot((squared) => sub(squared, 1)),
  Asin: overRoot((squared) => sub(1, squared)),
  Asinh: overRoot((squared) => add(1, squared)),
  Atan: ofX((dy, x) => div(dy, add(square(float(x)), 1))),
  Atanh: ofX((dy, x) => div(dy, sub(1, square(float(x))))),
  Cast: gradient({}, (dy) => ({ x: () => dy.clone() })),
  Ceil: zero,
  ClipByValue: gradient<{ clipValueMin: number; clipValueMax: number }>({ inputs: ["x"] }, (dy, [x], attrs) => ({
    x: () => {
      return masked(dy, tf.logicalAnd(tf.greaterEqual(x, attrs.clipValueMin), tf.lessEqual(x, attrs.clipValueMax)));
    },
  })),
  Cos: ofX((dy, x) => mul(neg(sin(float(x))), dy)),
  Cosh: ofX((dy, x) => mul(sinh(float(x)), dy)),
  Elu: ofOutput((dy, y) => tf.engine().runKernel("EluGrad", { dy, y }) as tf.Tensor),
  Erf: ofX((dy, x) => mul(dy, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI)))),
  Exp: ofOutput((dy, y) => mul(dy, y)),
  Expm1: ofX((dy, x) => mul(dy, exp(x))),
  Floor: zero,
  Identity: gradient({}, (dy) => ({ x: () => float(dy) })),
  IsFinite: zero,
  IsInf: zero,
  IsNan: zero,
  LeakyRelu: gradient<{ alpha: number }>({ inputs: ["x"] }, (dy, [x], { alpha }) => ({
    x: () => where(greater(x, 0), dy, mul(dy, alpha)),
  })),
  Log: ofX((dy, x) => div(dy, float(x))),
  Log1p: ofX((dy, x) => div(dy, add(x, 1))),
  LogicalNot: zero,
  Neg: gradient({}, (dy) => ({ x: () => neg(dy) })),
  OnesLike: zero,
  Reciprocal: ofX((dy, x) => div(dy, neg(square(x)))),
  Relu: ofX((dy, x) => masked(dy, greater(x, 0))),
  Relu6: ofX((dy, x) => masked(dy, tf.logicalAnd(greater(x, 0), tf.lessEqual(x, 6)))),
  Round: zero,
  Rsqrt: ofX((dy, x) => neg(div(dy, mul(tf.pow(x, 1.5), 2)))),
  Selu: ofX((dy, x) =>
    where(greater(x, scalar(0)), mul(dy, seluScale), mul(mul(dy, seluScale * seluAlpha), exp(float(x)))),
  ),
  Sigmoid: ofOutput((dy, y) => mul(dy, mul(y, sub(1, y)))),
  Sign: zero,
  Sin: ofX((dy, x) => mul(cos(float(x)), dy)),
  Sinh: ofX((dy, x) => mul(cosh(float(x)), dy)),
  Softplus: ofX((dy, x) => mul(dy, tf.sigmoid(x))),
  Sqrt: ofX((dy, x) => div(dy, mul(sqrt(float(x)), 2))),
  Square: ofX((dy, x) => mul(dy, mul(float(x), 2))),
  Step: zero,
  Tan: ofX((dy, x) => div(dy, square(cos(x)))),
  Tanh: ofOutput((dy, y) => mul(sub(1, square(y)), dy)),
  ZerosLike: zero,
};
