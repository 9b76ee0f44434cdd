// The exports for other packages (testkit): the names in a run's folder, and functions that read its files.
export {
  currentSteps,
  type MetricsRecord,
  readMetrics,
  type StepRecord,
  type ValidationRecord,
} from "./metrics-file.js";
export { type ProcessEntry, readProcesses, readRunDescription, runFiles } from "./run-folder.js";
export { type TrainResult, trainResultSchema } from "./train-result.js";
