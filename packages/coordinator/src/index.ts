// The public exports of the coordinator: `runCoordinator` leads a run, `answerLateWorkers` answers workers after its
// end.

export type { RunEnd } from "./lead-run.js";
export { type CoordinatorOptions, runCoordinator } from "./run-coordinator.js";
export { answerLateWorkers, type LateWorkersOptions } from "./serve/late-workers.js";
