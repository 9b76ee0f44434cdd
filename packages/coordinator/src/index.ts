// Leads a run: plan, leases, reduction, commit, checkpoints, event stream.

export type { RunEnd } from "./lead-run.js";
export { type CoordinatorOptions, runCoordinator } from "./run-coordinator.js";
export { answerLateWorkers, type LateWorkersOptions } from "./serve/late-workers.js";
