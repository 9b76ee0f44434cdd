// What the package offers: evaluation of a checkpoint, and how its result is computed and shown.
export { type AgeErrors, ageBinOf, ageErrors, constantAgeErrors } from "./age.js";
export { type CheckpointChoice, chooseCheckpoint } from "./choose-checkpoint.js";
export {
  type Classification,
  type ClassMetrics,
  type ConfusionMatrix,
  classify,
  majorityShare,
} from "./classification.js";
export { type EvaluateOptions, type EvaluationProgress, evaluateCheckpoint } from "./evaluate-checkpoint.js";
export {
  type EvaluationReport,
  type Floors,
  type Predictions,
  reportTasks,
  type TaskReports,
} from "./evaluation-report.js";
export { renderReport } from "./render-report.js";
