// Checkpoints: files, manifest, store, retention, and the run's lock.
export {
  type CheckpointFiles,
  contentOf,
  decodeFiles,
  encodeFiles,
  type LoadedCheckpoint,
} from "./checkpoint-codec.js";
export {
  type CheckpointEntry,
  CheckpointStore,
  type CheckpointStoreOptions,
  type SkippedCheckpoint,
  type ValidCheckpoint,
  type WrittenCheckpoint,
} from "./checkpoint-store.js";
export { replaceJson, writeDurably, writeJsonDurably } from "./durable-file.js";
export { loadCheckpoint, readManifest } from "./load-checkpoint.js";
export {
  type CheckpointManifest,
  type CheckpointPosition,
  checkpointFormatVersion,
  checkSpec,
  NewerFormatError,
  validationLossOf,
} from "./manifest.js";
export { isAlive, type ProcessIdentity, thisProcess } from "./process-identity.js";
export { type PublishPhase, publishPhases } from "./publish.js";
export type { PhaseHook } from "./publish-in-thread.js";
export { stepsToDelete } from "./retention.js";
export { acquireRunLock, type RunLock } from "./run-lock.js";
export { type DecodedSafetensors, decodeSafetensors } from "./safetensors-read.js";
export { type EncodedSafetensors, encodeSafetensors, type NamedTensor } from "./safetensors-write.js";
export type { JsonValue, OptimizerState, Snapshot } from "./snapshot.js";
