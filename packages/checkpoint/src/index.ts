// Exports: the checkpoint store, the files and the manifest of a checkpoint, retention.
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
export { loadCheckpoint, readManifest } from "./load-checkpoint.js";
export {
  type CheckpointManifest,
  type CheckpointPosition,
  checkpointFormatVersion,
  checkSpec,
  NewerFormatError,
  validationLossOf,
} from "./manifest.js";
export { type PublishPhase, publishPhases } from "./publish.js";
export type { PhaseHook } from "./publish-in-thread.js";
export { stepsToDelete } from "./retention.js";
export { type DecodedSafetensors, decodeSafetensors } from "./safetensors-read.js";
export { type EncodedSafetensors, encodeSafetensors, type NamedTensor } from "./safetensors-write.js";
export type { JsonValue, OptimizerState, Snapshot } from "./snapshot.js";
