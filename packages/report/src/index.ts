// Exports the evaluation of checkpoints: the report, its rendering as text, and the CSV of predictions.
export type { Interval } from "./bootstrap.js";
export { type CheckpointChoice, chooseCheckpoint, isCheckpoint } from "./choose-checkpoint.js";
export type { Averages, Classification, ClassMetrics, ConfusionMatrices, Matrix } from "./classification.js";
export {
  defaultResamples,
  type EvaluateOptions,
  type Evaluation,
  type EvaluationProgress,
  evaluateCheckpoint,
} from "./evaluate-checkpoint.js";
export type { EvaluationReport } from "./evaluation-report.js";
export type { BinReport, ClassReport, HeadReport, Intervals, NumberReport } from "./head-report.js";
export { renderReport } from "./render-report.js";
export { shortened, type TextTable, tableWidth, terminalColumns, textTable } from "./text-table.js";
