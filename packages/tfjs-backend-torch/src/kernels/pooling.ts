// poolingKernels: 2-D max and average pooling and their gradients. binding/kernels/pooling.cc computes them.
import { backend_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { type KernelTable, kernel } from "../kernel.js";

interface Attrs {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: "valid" | "same" | number | backend_util.ExplicitPadding;
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

/**
 * Window, strides, sides (top, bottom, left, right) and dilations; null if each window is one pixel, so that y is x.
 */
function geometry(x: TensorInfo, attrs: Attrs): [number[], number[], number[], number[]] | null {
  const info = backend_util.computePool2DInfo(
    x.shape as [number, number, number, number],
    attrs.filterSize,
    attrs.strides,
    1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
  // As in TensorFlow.js, the padding is ignored in this case.
  if (info.filterHeight === 1 && info.filterWidth === 1 && util.arraysEqual(info.inShape, info.outShape)) return null;
  // With dimRoundingMode "ceil" the last window may exceed the padding. More padding gives the same result.
  const { top, left } = info.padInfo;
  const neededBottom = (info.outHeight - 1) * info.strideHeight + info.filterHeight - info.inHeight - top;
  const neededRight = (info.outWidth - 1) * info.strideWidth + info.filterWidth - info.inWidth - left;
  return [
    [info.filterHeight, info.filterWidth],
    [info.strideHeight, info.strideWidth],
    [top, Math.max(info.padInfo.bottom, neededBottom), left, Math.max(info.padInfo.right, neededRight)],
    [info.dilationHeight, info.dilationWidth],
  ];
}

export const poolingKernels: KernelTable = {
  AvgPool: kernel<{ x: TensorInfo }, Attrs>((torch, { x }, attrs) => {
    const plan = geometry(x, attrs);
    return plan ? torch.run("AvgPool", x, plan[0], plan[1], plan[2]) : torch.share(x, x.shape);
  }),
  AvgPoolGrad: kernel<{ dy: TensorInfo; input: TensorInfo }, Attrs>((torch, { dy, input }, attrs) => {
    const plan = geometry(input, attrs);
    return plan ? torch.run("AvgPoolGrad", dy, input, plan[0], plan[1], plan[2]) : torch.share(dy, dy.shape);
  }),
  MaxPool: kernel<{ x: TensorInfo }, Attrs>((torch, { x }, attrs) => {
    const plan = geometry(x, attrs);
    return plan ? torch.run("MaxPool", x, ...plan) : torch.share(x, x.shape);
  }),
  MaxPoolGrad: kernel<{ dy: TensorInfo; input: TensorInfo }, Attrs>((torch, { dy, input }, attrs) => {
    const plan = geometry(input, attrs);
    return plan ? torch.run("MaxPoolGrad", dy, input, ...plan) : torch.share(dy, dy.shape);
  }),
};
