// unaryKernels: the elementwise kernels of one tensor. binding/kernels/unary.cc computes them.
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { type KernelTable, kernel } from "../kernel.js";
import type { NativeKernelName } from "../native/kernel-table.js";

interface Inputs {
  readonly x: TensorInfo;
}

const plain = (name: NativeKernelName) => kernel<Inputs>((torch, { x }) => torch.run(name, x));

export const unaryKernels: KernelTable = {
  Abs: plain("Abs"),
  Acos: plain("Acos"),
  Acosh: plain("Acosh"),
  Asin: plain("Asin"),
  Asinh: plain("Asinh"),
  Atan: plain("Atan"),
  Atanh: plain("Atanh"),
  Ceil: plain("Ceil"),
  ClipByValue: kernel<Inputs, { clipValueMin: number; clipValueMax: number }>((torch, { x }, attrs) =>
    torch.run("ClipByValue", x, attrs.clipValueMin, attrs.clipValueMax),
  ),
  Cos: plain("Cos"),
  Cosh: plain("Cosh"),
  Elu: plain("Elu"),
  EluGrad: kernel<{ dy: TensorInfo; y: TensorInfo }>((torch, { dy, y }) => torch.run("EluGrad", dy, y)),
  Erf: plain("Erf"),
  Exp: plain("Exp"),
  Expm1: plain("Expm1"),
  Floor: plain("Floor"),
  IsFinite: plain("IsFinite"),
  IsInf: plain("IsInf"),
  IsNan: plain("IsNan"),
  LeakyRelu: kernel<Inputs, { alpha: number }>((torch, { x }, { alpha }) => torch.run("LeakyRelu", x, alpha)),
  Log: plain("Log"),
  Log1p: plain("Log1p"),
  LogicalNot: plain("LogicalNot"),
  Neg: plain("Neg"),
  Reciprocal: plain("Reciprocal"),
  Relu: plain("Relu"),
  Relu6: plain("Relu6"),
  Round: plain("Round"),
  Rsqrt: plain("Rsqrt"),
  Selu: plain("Selu"),
  Sigmoid: plain("Sigmoid"),
  Sign: plain("Sign"),
  Sin: plain("Sin"),
  Sinh: plain("Sinh"),
  Softplus: plain("Softplus"),
  Sqrt: plain("Sqrt"),
  Square: plain("Square"),
  Step: kernel<Inputs, { alpha: number }>((torch, { x }, { alpha }) => torch.run("Step", x, alpha)),
  Tan: plain("Tan"),
  Tanh: plain("Tanh"),
};
