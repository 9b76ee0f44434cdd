// Exports the reader of training data: labels, data set index, split, sample plan, image cache, embedded data set.
// Importing it does not load sharp. The package @lockstep/dataset-tools holds the code of the `lockstep dataset`
// commands.
export { mapBounded } from "./bounded-concurrency.js";
export {
  attachImageCache,
  type ImageCache,
  type ImageCacheHandle,
  locateImageCache,
  type OpenImageCacheOptions,
  openImageCache,
} from "./cache/image-cache.js";
export { defaultCacheDir } from "./cache-dir.js";
export { canonicalSamples } from "./canonical-order.js";
export { sha256Hex } from "./content-index.js";
export { type DataOptions, dataOptions, type OnBadImage } from "./data-options.js";
export type {
  Dataset,
  DatasetSource,
  EncodedDataset,
  GeneratedDataset,
  Progress,
  SourceContext,
  SourceList,
  SourceSample,
  UnusableImage,
} from "./dataset.js";
export { origin } from "./dataset.js";
export { datasetDecoderVersion, decodeImage, imageProblem } from "./decode/decode-image.js";
export { decodeProblem } from "./decode/decode-problem.js";
export { type ImageFormat, imageFormat } from "./decode/image-format.js";
export { sharpModule } from "./decode/sharp-module.js";
export { type EncodedDatasetOptions, encodedDataset } from "./encoded-dataset.js";
export { publishedFiles } from "./fairface/fairface-folder.js";
export { ageMidpoints, fairfaceClasses, fairfaceLabels } from "./fairface/fairface-labels.js";
export { liesInsideData } from "./inside-data.js";
export {
  type ClassField,
  checkLabelSchema,
  type LabelField,
  type LabelSchema,
  type NumberField,
  type SampleLabels,
} from "./labels/label-schema.js";
export { type LabelTable, labelOf, labelsOf, labelTable } from "./labels/label-table.js";
export { quoted } from "./labels/quoted.js";
export { isSynthetic, type OpenDatasetOptions, openDataset, splitDataset } from "./open-dataset.js";
export { type SampledOrder, sampledOrder } from "./plan/sampled-order.js";
export {
  drawSplit,
  type PartName,
  partNames,
  type Split,
  type SplitInput,
  type SplitSettings,
  seenInTraining,
} from "./plan/split.js";
export {
  createPlan,
  epochOrder,
  type MicroBatchPlan,
  type PassPlan,
  type Plan,
  type PlanSettings,
} from "./plan/step-plan.js";
export { requestedSampling, specifiedSampling } from "./sampling/resolve-sampling.js";
export type { ResolvedSampling, Sampling, SamplingRequest } from "./sampling/sampling.js";
export { defaultSyntheticSamples, type SyntheticOptions, syntheticDataset } from "./synthetic/synthetic-dataset.js";
