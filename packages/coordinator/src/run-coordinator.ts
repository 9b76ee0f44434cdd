// Leads a run on this machine: `runCoordinator` binds the address, opens the run's folder, and leaves the rest to `leadRun`.
import type { CheckpointStoreOptions } from "@lockstep/checkpoint";
import { createHealth, type Health, listen, watchVitals } from "@lockstep/service";
import { openRunFolder } from "./keep/run-folder.js";
import { type LeadOptions, leadRun, type RunEnd } from "./lead-run.js";
import { TrainingState } from "./reduce/training-state.js";
import { accessOf } from "./serve/access.js";
import { readinessGuard } from "./serve/readiness-guard.js";

export interface CoordinatorOptions extends Omit<LeadOptions, "health"> {
  /** The run's folder, prepared: run.json and a checkpoint. It goes on from the newest that verifies. */
  readonly out: string;
  /** `unix:/path.sock` or `host:port`; port 0 picks one. */
  readonly listen: string;
  /** Folder of the coordinator's certificates: mutual TLS, and roles held to methods. */
  readonly tls?: string | undefined;
  /** Default: `join-token` in the folder of certificates, where it is there. */
  readonly joinTokenFile?: string | undefined;
  /** Plain text beyond this machine. */
  readonly insecure?: boolean | undefined;
  /** Learns when the services are served. Default: one of its own. */
  readonly health?: Health;
  readonly keepLast: number;
  /** For tests: see CheckpointStoreOptions. */
  readonly onCheckpointPhase?: CheckpointStoreOptions["onPhase"];
}

/** Leads the run to its end or to a stop. @throws as leadRun */
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
