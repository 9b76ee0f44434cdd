// Owns how a run is told to be doing: the status that observers get again and again.
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
  /** Of this process. */
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

/** By slot. */
export function workerStatuses(
  state: CoreState,
  { counters, vitals }: Pick<StatusSources, "counters" | "vitals">,
): WorkerStatus[] {
  return state.members.map((member) => {
    const { slot, generation, host, computeThreads, backend, samplesPerSecond, status, left, sessionId } = member;
    const heard = status === "gone" ? undefined : vitals.of(sessionId);
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
      ...(heard === undefined ? {} : { vitals: wireVitals(heard), gpus: heard.gpus }),
    });
  });
}

function wireVitals({ residentBytes, eventLoopDelayMs }: ProcessVitals): WireVitals {
  return { residentBytes, eventLoopDelaySeconds: eventLoopDelayMs / 1000 };
}
