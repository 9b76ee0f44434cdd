// Builds the status of a run for observers: `runStatus`.
import { type RunStatus, type ProcessVitals as WireVitals, WorkerStatus } from "@lockstep/protocol";
import type { ProcessVitals } from "@lockstep/service";
import { type CoreState, describeState } from "../core/state.js";
import type { RunCounters } from "./run-counters.js";
import type { WorkerVitals } from "./worker-vitals.js";

export interface StatusSources {
  readonly state: CoreState;
  readonly counters: RunCounters;
  readonly vitals: WorkerVitals;
  readonly goodput: number;
  /** The health of this process. */
  readonly coordinator: ProcessVitals;
}

export function runStatus({ state, counters, vitals, goodput, coordinator }: StatusSources): RunStatus {
  const { name, reason } = describeState(state);
  return {
    state: name,
    reason,
    epoch: state.position.epoch,
    step: state.position.step,
    totals: counters.totals,
    goodput,
    coordinator: wireVitals(coordinator),
    workers: workerStatuses(state, { counters, vitals }),
  };
}

/** In ascending order of slots. */
export function workerStatuses(
  state: CoreState,
  { counters, vitals }: Pick<StatusSources, "counters" | "vitals">,
): WorkerStatus[] {
  return state.members.map((member) => {
    const { slot, generation, host, computeThreads, backend, samplesPerSecond, status, left, sessionId } = member;
    const health = status === "gone" ? undefined : vitals.of(sessionId);
    return WorkerStatus.create({
      slot,
      generation,
      host,
      computeThreads,
      backend,
      microBatches: state.microBatchesBySlot.get(slot) ?? 0,
      samplesPerSecond: samplesPerSecond ?? 0,
      connected: status === "attending" || status === "draining",
      left,
      totals: counters.ofWorker(slot),
      ...(health === undefined ? {} : { vitals: wireVitals(health), gpus: health.gpus }),
    });
  });
}

function wireVitals({ residentBytes, eventLoopDelayMs }: ProcessVitals): WireVitals {
  return { residentBytes, eventLoopDelaySeconds: eventLoopDelayMs / 1000 };
}
