// What other packages (testkit) may use of the command: the names in a run's folder, and reading what is written there.
export {
  currentSteps,
  type MetricsRecord,
  readMetrics,
  type StepRecord,
  type ValidationRecord,
} from "./metrics-file.js";
export { type ProcessEntry, readProcesses, readRunDescription, runFiles } from "./run-folder.js";
export { type TrainResult, trainResultSchema } from "./train-result.js";
