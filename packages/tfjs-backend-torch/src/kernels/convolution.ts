// convolutionKernels: the 2-D convolution and its gradients. binding/kernels/convolution.cc computes them on N H W C
// tensors.
import { backend_util, type TensorInfo } from "@tensorflow/tfjs-core";
import type { TorchBackend } from "../backend.js";
import { type KernelTable, kernel } from "../kernel.js";
import { applyActivation, type FusedAttrs, type FusedInputs } from "./activation.js";

type Shape4 = [number, number, number, number];

interface Attrs {
  readonly strides: [number, number] | number;
  readonly pad: "valid" | "same" | number | backend_util.ExplicitPadding;
  readonly dataFormat: "NHWC" | "NCHW";
  readonly dilations?: [number, number] | number;
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

interface Geometry {
  readonly strides: number[];
  /** top, bottom, left, right */
  readonly sides: number[];
  readonly dilations: number[];
  readonly groups: number;
}

/** `shape` has the data format of the attributes. */
function geometry(kernelName: string, shape: number[], filterShape: number[], attrs: Attrs): Geometry {
  const format = backend_util.convertConv2DDataFormat(attrs.dataFormat);
  const info = backend_util.computeConv2DInfo(
    shape as Shape4,
    filterShape as Shape4,
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    false,
    format,
  );
  if (info.inChannels % (filterShape[2] ?? 1) !== 0) {
    throw new Error(`torch backend: ${kernelName}: ${info.inChannels} channels for a filter of shape [${filterShape}]`);
  }
  // With dimRoundingMode "ceil" the last window may exceed the padding. More padding gives the same result.
  const { top, left } = info.padInfo;
  const neededBottom = (info.outHeight - 1) * info.strideHeight + info.effectiveFilterHeight - info.inHeight - top;
  const neededRight = (info.outWidth - 1) * info.strideWidth + info.effectiveFilterWidth - info.inWidth - left;
  const bottom = Math.max(info.padInfo.bottom, neededBottom);
  const right = Math.max(info.padInfo.right, neededRight);
  return {
    strides: [info.strideHeight, info.strideWidth],
    sides: [top, bottom, left, right],
    dilations: [info.dilationHeight, info.dilationWidth],
    groups: info.inChannels / (filterShape[2] ?? 1),
  };
}

const toChannelsLast = [0, 2, 3, 1];
const toChannelsFirst = [0, 3, 1, 2];

/** Calls `compute` with the tensors as N H W C, and converts an image result to the data format of the attributes. */
function inChannelsLast(
  torch: TorchBackend,
  attrs: Attrs,
  tensors: TensorInfo[],
  compute: (tensors: TensorInfo[]) => TensorInfo,
  isImage = true,
): TensorInfo {
  if (attrs.dataFormat !== "NCHW") return compute(tensors);
  const moved = tensors.map((tensor) => torch.run("Transpose", tensor, toChannelsLast));
  const out = compute(moved);
  torch.discard(...moved);
  if (!isImage) return out;
  const back = torch.run("Transpose", out, toChannelsFirst);
  torch.discard(out);
  return back;
}

function conv2d(
  torch: TorchBackend,
  x: TensorInfo,
  filter: TensorInfo,
  bias: TensorInfo | null,
  attrs: Attrs,
): TensorInfo {
  const { strides, sides, dilations, groups } = geometry("Conv2D", x.shape, filter.shape, attrs);
  return inChannelsLast(torch, attrs, [x], ([image = x]) =>
    torch.run("Conv2D", image, filter, bias, strides, sides, dilations, groups),
  );
}

function fusedConv2d(
  torch: TorchBackend,
  inputs: { x: TensorInfo; filter: TensorInfo } & FusedInputs,
  attrs: Attrs & FusedAttrs,
): TensorInfo {
  const { x, filter, bias } = inputs;
  const perChannel = bias?.shape.length === 1 && bias.shape[0] === filter.shape[3];
  let out = conv2d(torch, x, filter, perChannel ? bias : null, attrs);
  if (bias && !perChannel) {
    const sum = torch.run("Add", out, bias);
    torch.discard(out);
    out = sum;
  }
  return applyActivation(torch, out, inputs, attrs);
}

export const convolutionKernels: KernelTable = {
  Conv2D: kernel<{ x: TensorInfo; filter: TensorInfo }, Attrs>((torch, { x, filter }, attrs) =>
    conv2d(torch, x, filter, null, attrs),
  ),
  Conv2DBackpropFilter: kernel<{ x: TensorInfo; dy: TensorInfo }, Attrs & { filterShape: number[] }>(
    (torch, { x, dy }, attrs) => {
      const { filterShape } = attrs;
      const { strides, sides, dilations, groups } = geometry("Conv2DBackpropFilter", x.shape, filterShape, attrs);
      return inChannelsLast(
        torch,
        attrs,
        [x, dy],
        ([image = x, gradient = dy]) =>
          torch.run("Conv2DBackpropFilter", image, gradient, filterShape, strides, sides, dilations, groups),
        false,
      );
    },
  ),
  Conv2DBackpropInput: kernel<{ dy: TensorInfo; filter: TensorInfo }, Attrs & { inputShape: number[] }>(
    (torch, { dy, filter }, attrs) => {
      const { inputShape } = attrs;
      const { strides, sides, dilations, groups } = geometry("Conv2DBackpropInput", inputShape, filter.shape, attrs);
      const [n = 1, second = 1, third = 1, fourth = 1] = inputShape;
      const image = attrs.dataFormat === "NCHW" ? [n, third, fourth, second] : inputShape;
      return inChannelsLast(torch, attrs, [dy], ([gradient = dy]) =>
        torch.run("Conv2DBackpropInput", gradient, filter, image, strides, sides, dilations, groups),
      );
    },
  ),
  FusedConv2D: kernel<{ x: TensorInfo; filter: TensorInfo } & FusedInputs, Attrs & FusedAttrs>(
    (torch, inputs, attrs) => {
      if (attrs.dataFormat !== "NCHW") return fusedConv2d(torch, inputs, attrs);
      const { x, preluActivationWeights: weights } = inputs;
      const moved = [torch.run("Transpose", x, toChannelsLast)];
      // Weights of shape C 1 1 or C H W are transposed as the image is; a scalar or a vector is not.
      if (weights?.shape.length === 3) moved.push(torch.run("Transpose", weights, [1, 2, 0]));
      const [image = x, lastWeights] = moved;
      const channelsLast = { ...inputs, x: image, ...(lastWeights && { preluActivationWeights: lastWeights }) };
      const out = fusedConv2d(torch, channelsLast, { ...attrs, dataFormat: "NHWC" });
      const back = torch.run("Transpose", out, toChannelsFirst);
      torch.discard(out, ...moved);
      return back;
    },
  ),
};
