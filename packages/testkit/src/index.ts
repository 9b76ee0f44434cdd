// Exports for tests of the whole system: clusters, faults, waiting, checks for installed tools.
export {
  Cluster,
  type ClusterOptions,
  flagArguments,
  holdStep,
  runCluster,
  startCluster,
  type TrainFlags,
  temporaryFolder,
  tinyRun,
} from "./cluster.js";
export { type ImageFolderOptions, writeImageFolder } from "./image-folder.js";
export {
  type CommandEnd,
  type LockstepOptions,
  LockstepProcess,
  runLockstep,
  startLockstep,
} from "./lockstep-process.js";
export { kustomizeCommand, needsKustomize, needsPrometheus, needsPromtool, needsTorch } from "./tools.js";
export { waitFor } from "./wait-for.js";
