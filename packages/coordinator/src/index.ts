// Leads a run: plan, leases, reduction, commit, checkpoints, event stream.

export type { PhaseMedians, RunSummary } from "./keep/summary.js";
export { type CoordinatorOptions, runCoordinator } from "./run-coordinator.js";
