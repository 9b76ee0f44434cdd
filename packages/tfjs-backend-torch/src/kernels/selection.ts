// selectionKernels: the kernels that choose elements by a condition or an index. binding/kernels/selection.cc computes
// them.
import { backend_util, type DataType, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { type KernelTable, kernel } from "../kernel.js";
import { dtypeCode } from "../native/dtype.js";

export const selectionKernels: KernelTable = {
  GatherV2: kernel<{ x: TensorInfo; indices: TensorInfo }, { axis: number; batchDims: number }>(
    (torch, { x, indices }, { axis, batchDims }) => {
      const parsedAxis = util.parseAxisParam(axis, x.shape)[0] ?? 0;
      // collectGatherOpShapeInfo reads only the shapes of the tensors.
      const plan = backend_util.segment_util.collectGatherOpShapeInfo(
        x as never,
        indices as never,
        parsedAxis,
        batchDims,
      );
      const rows = { ...x, shape: [plan.batchSize, plan.outerSize, plan.dimSize, plan.sliceSize] };
      const places = { ...indices, shape: [plan.batchSize, util.sizeFromShape(indices.shape) / plan.batchSize] };
      const gathered = torch.run("GatherV2", rows, places);
      return { ...gathered, shape: plan.outputShape };
    },
  ),
  OneHot: kernel<{ indices: TensorInfo }, { depth: number; onValue: number; offValue: number; dtype: DataType }>(
    (torch, { indices }, { depth, onValue, offValue, dtype }) =>
      torch.run("OneHot", indices, depth, onValue, offValue, dtypeCode(dtype, "OneHot")),
  ),
  Select: kernel<{ condition: TensorInfo; t: TensorInfo; e: TensorInfo }>((torch, { condition, t, e }) =>
    torch.run("Select", condition, t, e),
  ),
  UnsortedSegmentSum: kernel<{ x: TensorInfo; segmentIds: TensorInfo }, { numSegments: number }>(
    (torch, { x, segmentIds }, { numSegments }) => {
      const rows = util.sizeFromShape(segmentIds.shape);
      const inner = x.shape.slice(segmentIds.shape.length);
      const flat = { ...x, shape: [rows, util.sizeFromShape(inner)] };
      const sums = torch.run("UnsortedSegmentSum", flat, { ...segmentIds, shape: [rows] }, numSegments);
      return { ...sums, shape: [numSegments, ...inner] };
    },
  ),
};
