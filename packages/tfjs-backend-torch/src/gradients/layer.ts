// layerGradients: the gradients of matrix multiplication, convolution, pooling and batch norm.
import * as tf from "@tensorflow/tfjs-core";
import { type Gradients, gradient, unbroadcast } from "./gradient.js";

const { add, engine, matMul, mul, sub } = tf;

interface ConvAttrs {
  readonly strides: unknown;
  readonly pad: unknown;
  readonly dataFormat: unknown;
  readonly dimRoundingMode: unknown;
  readonly dilations: number | [number, number];
}

/** Runs a gradient kernel that TensorFlow.js has no operation for. */
function run(name: string, inputs: Record<string, tf.Tensor>, attrs: object): tf.Tensor {
  return engine().runKernel(name, inputs, attrs as tf.NamedAttrMap) as tf.Tensor;
}

/** If only one of a and b has batch dimensions, the gradient of the other one is summed over them. */
function matMulGradients(dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean) {
  return {
    a: () => unbroadcast(transposeA ? matMul(b, dy, transposeB, true) : matMul(dy, b, false, !transposeB), a.shape),
    b: () => unbroadcast(transposeB ? matMul(dy, a, true, transposeA) : matMul(a, dy, !transposeA, false), b.shape),
  };
}

/** `saved` are x, mean, variance and scale. Mean and variance are inputs, so that they have gradients too. */
function batchNormGradients(dy: tf.Tensor, saved: tf.Tensor[], epsilon: number, offsetShape: number[]) {
  const [x, mean, variance, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor | undefined];
  const inverse = tf.rsqrt(add(variance, epsilon));
  const scaled = () => (scale ? mul(dy, scale) : dy);
  const centred = () => sub(x, mean);
  return {
    x: () => mul(dy, scale ? mul(inverse, scale) : inverse),
    mean: () => unbroadcast(tf.neg(mul(inverse, scaled())), mean.shape),
    variance: () => {
      const cubed = mul(mul(inverse, inverse), inverse);
      return unbroadcast(mul(mul(mul(cubed, -0.5), centred()), scaled()), mean.shape);
    },
    scale: () => unbroadcast(mul(dy, mul(centred(), inverse)), mean.shape),
    offset: () => unbroadcast(dy, offsetShape),
  };
}

export const layerGradients: Gradients = {
  AvgPool: gradient<object>({ inputs: ["x"] }, (dy, [x], attrs) => ({
    x: () => run("AvgPoolGrad", { dy, input: x }, attrs),
  })),
  BatchMatMul: gradient<{ transposeA: boolean; transposeB: boolean }>({ inputs: ["a", "b"] }, (dy, [a, b], attrs) =>
    matMulGradients(dy, a, b, attrs.transposeA, attrs.transposeB),
  ),
  BatchNormReluMaxPool: {
    inputsToSave: ["x", "scale", "offset"],
    outputsToSave: [false, true, true],
    gradFunc: (dys, saved, attrs) => {
      // The gradients with respect to the outputs mean and variance are ignored: both are only reported.
      const dy = (dys as tf.Tensor[])[0];
      const [x, scale, offset, mean, variance] = saved;
      const inputs = { dy, x, scale, offset, mean, variance } as unknown as tf.NamedTensorMap;
      const [dx, dscale, doffset] = engine().runKernel("BatchNormReluMaxPoolGrad", inputs, attrs) as unknown as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      return { x: () => dx, scale: () => dscale, offset: () => doffset };
    },
  },
  Conv2D: gradient<ConvAttrs>({ inputs: ["x", "filter"] }, (dy, [x, filter], attrs) => {
    const { strides, pad, dataFormat, dimRoundingMode, dilations } = attrs;
    tf.util.assert(
      tf.backend_util.tupleValuesAreOne(dilations),
      () =>
        `Error in gradient of conv2D: dilation rates greater than 1 are not yet supported in gradients. Got dilations '${dilations}'`,
    );
    const shared = { strides, pad, dataFormat, dimRoundingMode };
    return {
      x: () => run("Conv2DBackpropInput", { dy, filter }, { ...shared, inputShape: x.shape }),
      filter: () => run("Conv2DBackpropFilter", { x, dy }, { ...shared, filterShape: filter.shape }),
    };
  }),
  Conv2DBackpropInput: gradient<ConvAttrs>({ inputs: ["dy", "filter"] }, (ddx, [dy, filter], attrs) => {
    const { strides, pad, dataFormat, dimRoundingMode } = attrs;
    const shared = { strides, pad, dataFormat, dimRoundingMode };
    return {
      dy: () => run("Conv2D", { x: ddx, filter }, { ...shared, dilations: 1 }),
      filter: () => run("Conv2DBackpropFilter", { x: ddx, dy }, { ...shared, filterShape: filter.shape }),
    };
  }),
  FusedBatchNorm: gradient<{ varianceEpsilon?: number }>(
    { inputs: ["x", "mean", "variance", "scale"] },
    (dy, saved, { varianceEpsilon }) => batchNormGradients(dy, saved, varianceEpsilon ?? 0.001, saved[1].shape),
  ),
  MaxPool: gradient<object>({ inputs: ["x"], outputs: [true] }, (dy, [x, y], attrs) => ({
    x: () => run("MaxPoolGrad", { dy, input: x, output: y }, attrs),
  })),
};
