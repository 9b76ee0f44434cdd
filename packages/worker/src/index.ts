// The worker package: runWorker() joins a run, computes leases and sends their sums.
export { type Fault, type FaultPhase, faultsVariable, parseFaults } from "./faults.js";
export { runWorker, type WorkerOptions, type WorkerOutcome } from "./run-worker.js";
