// Labels, data set index, split, sample plan, image cache, embedded data set. Importing this loads no image code.
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
export { type LabelTable, labelSchema, labelsOf, numStrata, type SampleLabels, stratumOf } from "./labels.js";
