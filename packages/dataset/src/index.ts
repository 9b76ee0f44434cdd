// Labels, data set index, split, sample plan, image cache, embedded data set. Importing this loads no image code.
export { datasetDecoderVersion } from "./cache/decode.js";
export {
  attachImageCache,
  type ImageCache,
  type ImageCacheHandle,
  locateImageCache,
  type OpenImageCacheOptions,
  openImageCache,
} from "./cache/image-cache.js";
export { defaultCacheDir } from "./cache-dir.js";
export { convertDataset } from "./convert/convert-dataset.js";
export { type WrittenForm, writtenForms } from "./convert/form-writer.js";
export {
  assertFree,
  assertOutside,
  defaultShardImages,
  type WriteFormOptions,
  type WrittenDataset,
} from "./convert/write-form.js";
export { type WriteSyntheticOptions, writeSynthetic } from "./convert/write-synthetic.js";
export { type DataOptions, dataOptions, type OnBadImage } from "./data-options.js";
export type {
  Dataset,
  DatasetLog,
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
export { type EncodedDatasetOptions, encodedDataset } from "./encoded-dataset.js";
export { ageMidpoints, fairfaceClasses, fairfaceLabels } from "./fairface/fairface-labels.js";
export {
  type Census,
  type ClassCount,
  type FieldCensus,
  type JointCell,
  type JointTable,
  type PartCounts,
  takeCensus,
} from "./inspection/census.js";
export { type ContactSheet, type ContactSheetOptions, contactSheet } from "./inspection/contact-sheet.js";
export { type DuplicateGroup, type DuplicateImage, findDuplicates } from "./inspection/duplicates.js";
export { type ImageSurvey, type Spread, surveyImages, type UnreadableImage } from "./inspection/image-survey.js";
export { verifyImages } from "./inspection/verify-images.js";
export {
  type ClassField,
  checkLabelSchema,
  type LabelField,
  type LabelSchema,
  type NumberField,
  type SampleLabels,
} from "./labels/label-schema.js";
export { type LabelTable, labelOf, labelsOf, labelTable } from "./labels/label-table.js";
export { makeFolder } from "./make-folder.js";
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
export { parseSampling, type ResolvedSampling, type Sampling, type SamplingRequest } from "./sampling/sampling.js";
export { defaultSyntheticSamples, type SyntheticOptions, syntheticDataset } from "./synthetic/synthetic-dataset.js";
