// Leads a run on this machine: `runCoordinator` passes this machine's clock, disk and network to `leadRun`.
import type { CheckpointStoreOptions } from "@lockstep/checkpoint";
import { createHealth, type Health, listen, watchVitals } from "@lockstep/service";
import { openRunFolder } from "./keep/run-folder.js";
import { type LeadOptions, leadRun, type RunEnd } from "./lead-run.js";
import { TrainingState } from "./reduce/training-state.js";
import { accessOf } from "./serve/access.js";
import { readinessGuard } from "./serve/readiness-guard.js";

export interface CoordinatorOptions extends Omit<LeadOptions, "health"> {
  /** The run's prepared folder: run.json and at least one checkpoint. The run starts from the newest that verifies. */
  readonly out: string;
  /** `unix:/path.sock` or `host:port`; with port 0 the system picks a free port. */
  readonly listen: string;
  /**
   * Folder of the coordinator's certificates. With it, TLS is mutual and each method is allowed for certain roles only.
   */
  readonly tls?: string | undefined;
  /** Default: the file `join-token` in the folder of certificates, if it exists. */
  readonly joinTokenFile?: string | undefined;
  /** Allows plain text on an address that other machines can reach. */
  readonly insecure?: boolean | undefined;
  /** Receives the health of each service. Default: a new one. */
  readonly health?: Health;
  readonly keepLast: number;
  /** For tests: see CheckpointStoreOptions. */
  readonly onCheckpointPhase?: CheckpointStoreOptions["onPhase"];
}

/** Leads the run until it ends or is stopped. @throws UserError or RunFailed as `leadRun` does */
export async function runCoordinator(options: CoordinatorOptions): Promise<RunEnd> {
  const { out, keepLast, onCheckpointPhase: onPhase, health = createHealth(), log } = options;
  const vitals = watchVitals();
  try {
    return await leadRun(
      { ...options, health },
      {
        folder: openRunFolder(out, { keepLast, ...(onPhase === undefined ? {} : { onPhase }) }),
        clock: { nowMs: () => performance.now(), unixMs: () => Date.now() },
        every: (intervalMs, work) => {
          const timer = setInterval(work, intervalMs);
          return () => clearInterval(timer);
        },
        listen: (services, isReady) => {
          const { interceptors, ...access } = accessOf(options);
          const guards = [readinessGuard(isReady), ...interceptors];
          return listen({ address: options.listen, services, health, ...access, interceptors: guards, log });
        },
        createTraining: (training) => new TrainingState(training),
        sampleVitals: () => vitals.sample(),
      },
    );
  } finally {
    vitals.stop();
  }
}
