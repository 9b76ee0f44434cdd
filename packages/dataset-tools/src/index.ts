// Exports what the `lockstep dataset` commands need: functions that count, survey, verify, draw and convert a data set.
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
export { type ContactSheet, type ContactSheetOptions, contactSheet } from "./inspection/contact-sheet.js";
export { type DuplicateGroup, type DuplicateImage, findDuplicates } from "./inspection/duplicates.js";
export { type ImageSurvey, type Spread, surveyImages, type UnreadableImage } from "./inspection/image-survey.js";
export {
  type ClassCount,
  countLabels,
  type FieldCounts,
  type JointCell,
  type JointTable,
  type LabelCounts,
  type PartCounts,
} from "./inspection/label-counts.js";
export { verifyImages } from "./inspection/verify-images.js";
