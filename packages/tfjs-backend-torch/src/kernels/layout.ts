// layoutKernels: the kernels that move, cut, join or convert elements. binding/kernels/layout.cc computes them. A
// kernel that only changes the shape shares the data.
import { backend_util, type DataType, slice_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { TorchBackend } from "../backend.js";
import { type KernelTable, kernel } from "../kernel.js";
import { dtypeCode } from "../native/dtype.js";

interface Inputs {
  readonly x: TensorInfo;
}

/** Cuts x into consecutive parts along an axis. */
function parts(torch: TorchBackend, x: TensorInfo, axis: number, sizes: readonly number[]): TensorInfo[] {
  const begin = x.shape.map(() => 0);
  return sizes.map((size) => {
    const part = torch.run("Slice", x, begin.slice(), x.shape.with(axis, size));
    begin[axis] = (begin[axis] ?? 0) + size;
    return part;
  });
}

const before = (paddings: [number, number][]) => paddings.map(([first]) => first);
const after = (paddings: [number, number][]) => paddings.map(([, last]) => last);

export const layoutKernels: KernelTable = {
  BroadcastTo: kernel<Inputs, { shape: number[] }>((torch, { x }, { shape }) => torch.run("BroadcastTo", x, shape)),
  Cast: kernel<Inputs, { dtype: DataType }>((torch, { x }, { dtype }) =>
    x.dtype === dtype ? torch.share(x, x.shape) : torch.run("Cast", x, dtypeCode(dtype, "Cast")),
  ),
  Concat: kernel<TensorInfo[], { axis: number }>((torch, inputs, { axis }) => {
    const tensors = Object.values(inputs);
    const parsedAxis = util.parseAxisParam(axis, tensors[0]?.shape ?? [])[0] ?? 0;
    backend_util.assertParamsConsistent(
      tensors.map((tensor) => tensor.shape),
      parsedAxis,
    );
    const full = tensors.filter((tensor) => util.sizeFromShape(tensor.shape) > 0);
    const shape = backend_util.computeOutShape(
      tensors.map((tensor) => tensor.shape),
      parsedAxis,
    );
    const [only] = full;
    if (full.length === 1 && only) return torch.share(only, shape);
    return torch.run("Concat", full.length > 0 ? full : tensors, parsedAxis);
  }),
  ExpandDims: kernel<{ input: TensorInfo }, { dim: number }>((torch, { input }, { dim }) => {
    const rank = input.shape.length;
    util.assert(-(rank + 1) <= dim && dim <= rank, () => `Axis must be in the interval [${-(rank + 1)}, ${rank}]`);
    const place = dim < 0 ? input.shape.length + dim + 1 : dim;
    return torch.share(input, input.shape.toSpliced(place, 0, 1));
  }),
  Identity: kernel<Inputs>((torch, { x }) => torch.share(x, x.shape)),
  MirrorPad: kernel<Inputs, { paddings: [number, number][]; mode: "reflect" | "symmetric" }>(
    (torch, { x }, { paddings, mode }) =>
      torch.run("MirrorPad", x, before(paddings), after(paddings), mode === "reflect" ? 1 : 0),
  ),
  Pack: kernel<TensorInfo[], { axis: number }>((torch, inputs, { axis }) => {
    const tensors = Object.values(inputs);
    const rank = (tensors[0]?.shape.length ?? 0) + 1;
    const shape = tensors[0]?.shape ?? [];
    for (const tensor of tensors) {
      util.assertShapesMatch(shape, tensor.shape, "All tensors passed to stack must have matching shapes");
      util.assert(tensor.dtype === tensors[0]?.dtype, () => "All tensors passed to stack must have matching dtypes");
    }
    return torch.run("Pack", tensors, axis < 0 ? axis + rank : axis);
  }),
  PadV2: kernel<Inputs, { paddings: [number, number][]; constantValue: number }>((torch, { x }, attrs) =>
    torch.run("PadV2", x, before(attrs.paddings), after(attrs.paddings), attrs.constantValue),
  ),
  Reshape: kernel<Inputs, { shape: number[] }>((torch, { x }, { shape }) => {
    const size = util.sizeFromShape(x.shape);
    const resolved = util.inferFromImplicitShape(shape, size);
    util.assert(
      size === util.sizeFromShape(resolved),
      () =>
        `The new shape (${resolved}) has ${util.sizeFromShape(resolved)} elements and the old shape (${x.shape}) has ${size} elements.`,
    );
    return torch.share(x, resolved);
  }),
  Reverse: kernel<Inputs, { dims: number | number[] }>((torch, { x }, { dims }) =>
    x.shape.length === 0 ? torch.share(x, x.shape) : torch.run("Reverse", x, util.parseAxisParam(dims, x.shape)),
  ),
  Slice: kernel<Inputs, { begin: number | number[]; size: number | number[] }>((torch, { x }, attrs) => {
    const [begin, size] = slice_util.parseSliceParams(x, attrs.begin, attrs.size) as [number[], number[]];
    slice_util.assertParamsValid(x, begin, size);
    return torch.run("Slice", x, begin, size);
  }),
  SplitV: kernel<Inputs, { numOrSizeSplits: number[] | number; axis: number }>((torch, { x }, attrs) => {
    const axis = util.parseAxisParam(attrs.axis, x.shape)[0] ?? 0;
    return parts(torch, x, axis, backend_util.prepareSplitSize(x as never, attrs.numOrSizeSplits, axis));
  }),
  StridedSlice: kernel<
    Inputs,
    {
      begin: number[];
      end: number[];
      strides: number[];
      beginMask: number;
      endMask: number;
      ellipsisMask: number;
      newAxisMask: number;
      shrinkAxisMask: number;
    }
  >((torch, { x }, attrs) => {
    const { begin, end, strides } = attrs;
    const plan = slice_util.sliceInfo(
      x.shape,
      begin,
      end,
      strides,
      attrs.beginMask,
      attrs.endMask,
      attrs.ellipsisMask,
      attrs.newAxisMask,
      attrs.shrinkAxisMask,
    );
    if (plan.isIdentity) return torch.share(x, plan.finalShape);
    const cut = torch.run("StridedSlice", x, plan.begin, plan.end, plan.strides);
    return { ...cut, shape: plan.finalShape };
  }),
  Tile: kernel<Inputs, { reps: number[] }>((torch, { x }, { reps }) => torch.run("Tile", x, reps)),
  Transpose: kernel<Inputs, { perm: number[] }>((torch, { x }, { perm }) => torch.run("Transpose", x, perm)),
  Unpack: kernel<{ value: TensorInfo }, { axis: number }>((torch, { value }, attrs) => {
    const axis = attrs.axis < 0 ? attrs.axis + value.shape.length : attrs.axis;
    const count = value.shape[axis] ?? 0;
    const shape = value.shape.toSpliced(axis, 1);
    return parts(torch, value, axis, new Array<number>(count).fill(1)).map((part) => ({ ...part, shape }));
  }),
};
