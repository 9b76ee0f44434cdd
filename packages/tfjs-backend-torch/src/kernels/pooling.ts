// Owns 2-D max and average pooling and their gradients; binding/kernels/pooling.cc computes them.
import { backend_util, type TensorInfo } from "@tensorflow/tfjs-core";
import { type KernelTable, kernel } from "../kernel.js";

interface Attrs {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: "valid" | "same" | number | backend_util.ExplicitPadding;
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

/** Window, strides, sides (top, bottom, left, right) and dilations. */
function geometry(x: TensorInfo, attrs: Attrs): [number[], number[], number[], number[]] {
  const info = backend_util.computePool2DInfo(
    x.shape as [number, number, number, number],
    attrs.filterSize,
    attrs.strides,
    1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
  // Rounding up makes a window that reaches past the padding: more padding says the same.
  const { top, left } = info.padInfo;
  const below = (info.outHeight - 1) * info.strideHeight + info.filterHeight - info.inHeight - top;
  const beside = (info.outWidth - 1) * info.strideWidth + info.filterWidth - info.inWidth - left;
  return [
    [info.filterHeight, info.filterWidth],
    [info.strideHeight, info.strideWidth],
    [top, Math.max(info.padInfo.bottom, below), left, Math.max(info.padInfo.right, beside)],
    [info.dilationHeight, info.dilationWidth],
  ];
}

export const poolingKernels: KernelTable = {
  AvgPool: kernel<{ x: TensorInfo }, Attrs>((torch, { x }, attrs) => {
    const [window, strides, sides] = geometry(x, attrs);
    return torch.run("AvgPool", x, window, strides, sides);
  }),
  AvgPoolGrad: kernel<{ dy: TensorInfo; input: TensorInfo }, Attrs>((torch, { dy, input }, attrs) => {
    const [window, strides, sides] = geometry(input, attrs);
    return torch.run("AvgPoolGrad", dy, input, window, strides, sides);
  }),
  MaxPool: kernel<{ x: TensorInfo }, Attrs>((torch, { x }, attrs) => torch.run("MaxPool", x, ...geometry(x, attrs))),
  MaxPoolGrad: kernel<{ dy: TensorInfo; input: TensorInfo }, Attrs>((torch, { dy, input }, attrs) =>
    torch.run("MaxPoolGrad", dy, input, ...geometry(input, attrs)),
  ),
};
