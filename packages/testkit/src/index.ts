// For tests of the whole system: clusters, faults by name, waiting, tools that may be missing.
export {
  Cluster,
  type ClusterEnd,
  type ClusterOptions,
  holdStep,
  runCluster,
  runLockstep,
  startCluster,
  type TrainFlags,
  temporaryFolder,
  tinyRun,
} from "./cluster.js";
export { type ImageFolderOptions, writeImageFolder } from "./image-folder.js";
export { needsTorch } from "./tools.js";
export { waitFor } from "./wait-for.js";
