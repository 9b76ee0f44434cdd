// The wire contract and the values that travel or are stored.
export { evaluateMetrics, type MetricDefinition, metricDefinition } from "./metric-definition.js";
export { type RunDescription, runDescription } from "./run-description.js";
export {
  canonicalJson,
  canonicalSha256,
  differences,
  type OptimizerSpec,
  optimizerSpec,
  type RunSpec,
  runSpec,
  type ScheduleSpec,
  type SpecDifference,
  scheduleSpec,
} from "./run-spec.js";
export {
  createLayout,
  type PlacedTensor,
  type TensorEntry,
  type TensorLayout,
  tensorEntry,
  weightsSha256,
} from "./tensor-layout.js";
