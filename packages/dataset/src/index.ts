// Labels, data set index, split, sample plan, image cache, embedded data set. Importing this loads no image code.
export { datasetDecoderVersion } from "./cache/decode.js";
export {
  attachImageCache,
  type ImageCache,
  type ImageCacheHandle,
  type OpenImageCacheOptions,
  openImageCache,
} from "./cache/image-cache.js";
export { defaultCacheDir } from "./cache-dir.js";
export type {
  Dataset,
  DatasetKind,
  DatasetLog,
  DatasetSource,
  EncodedDataset,
  GeneratedDataset,
  Progress,
  SourceSample,
} from "./dataset.js";
export { origin } from "./dataset.js";
export { encodedDataset } from "./encoded-dataset.js";
export { type LabelTable, labelSchema, labelsOf, numStrata, type SampleLabels, stratumOf } from "./labels.js";
export { type OpenDatasetOptions, openDataset, splitDataset } from "./open-dataset.js";
export { drawSplit, everySample, type Split, type SplitInput, type SplitSettings } from "./plan/split.js";
export {
  createPlan,
  epochOrder,
  type MicroBatchPlan,
  type PassPlan,
  type Plan,
  type PlanSettings,
} from "./plan/step-plan.js";
export { defaultSyntheticSamples, type SyntheticOptions, syntheticDataset } from "./synthetic/synthetic-dataset.js";
