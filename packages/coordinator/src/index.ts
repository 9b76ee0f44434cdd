// Leads a run: plan, leases, reduction, commit, checkpoints, event stream.
export { type CoordinatorOptions, runCoordinator } from "./shell/run-coordinator.js";
export type { PhaseMedians, RunSummary } from "./shell/summary.js";
