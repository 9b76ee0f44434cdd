// A worker: joins a run, computes the leases that it is given, sends their sums.
export { type Fault, type FaultPhase, faultsVariable, parseFaults } from "./faults.js";
export { runWorker, type WorkerOptions, type WorkerOutcome } from "./run-worker.js";
