// Exports: the wire contract, and the values that processes exchange or store.
export { callUnary, type StartUnaryCall } from "./call-unary.js";
export { chunkBytes, contributionHeader, encodeTensorChunks, float32Bytes, TensorAssembler } from "./chunk-codec.js";
export { xxh3Digest } from "./digest.js";
export {
  CoordinatorClient,
  type CoordinatorServer,
  CoordinatorService,
  Draining,
  FetchWeightsRequest,
  FetchWeightsResponse,
  Finish,
  GetRunRequest,
  GetRunResponse,
  GpuVitals,
  Heartbeat,
  HeartbeatAck,
  Instruction,
  JoinRequest,
  JoinResponse,
  Lease,
  LeaseFailed,
  LeaseRevoked,
  MicroBatchProof,
  Pass,
  PhaseSeconds,
  SessionOpened,
  SubmitSumRequest,
  SubmitSumResponse,
  SumHeader,
  WorkerReport,
} from "./gen/lockstep/v1/coordinator.js";
export {
  CheckpointWritten,
  ControlClient,
  type ControlServer,
  ControlService,
  EpochValidated,
  Event,
  GetStatusRequest,
  GetStatusResponse,
  LeaseRedone,
  NotFinite,
  ProcessVitals,
  RunFinished,
  RunStarted,
  RunStatus,
  RunTotals,
  StepCommitted,
  StopRequest,
  StopResponse,
  SubscribeRequest,
  TelemetryClient,
  type TelemetryServer,
  TelemetryService,
  WorkerJoined,
  WorkerLost,
  WorkerPhase,
  WorkerStatus,
  WorkerTotals,
} from "./gen/lockstep/v1/telemetry.js";
export { DataType, TensorChunk, TensorHeader, TensorLayout as WireTensorLayout } from "./gen/lockstep/v1/tensors.js";
export { joinTokenHeader, sendJoinToken } from "./join-token-header.js";
export { evaluateMetrics, type MetricDefinition, metricDefinition } from "./metric-definition.js";
export { PROTOCOL_VERSION } from "./protocol-version.js";
export { type RunDescription, runDescription } from "./run-description.js";
export {
  canonicalJson,
  canonicalSha256,
  differences,
  type EarlyStopSpec,
  type OptimizerSpec,
  optimizerSpec,
  type RunSpec,
  runSpec,
  type ScheduleSpec,
  type SpecDifference,
  scheduleSpec,
} from "./run-spec.js";
export {
  type GoodputRecord,
  goodputRecord,
  type PhaseMedians,
  type RunSummary,
  runSummary,
} from "./run-summary.js";
export {
  createLayout,
  type PlacedTensor,
  type TensorEntry,
  type TensorLayout,
  tensorEntry,
  weightsSha256,
} from "./tensor-layout.js";
export {
  fromServiceError,
  type Remedy,
  remedyOf,
  toServiceError,
  WireError,
  type WireErrorCode,
  wireErrors,
  wireErrorTrailer,
} from "./wire-error.js";
