// Computes how the workers spent their time in one pass: `passTimes`. It uses the accepted leases and the attending
// workers.
import { WorkerPhase } from "@lockstep/protocol";
import type { Contributor } from "../reduce/pass-sums.js";

export interface PassTimes {
  /** In ascending order of slots. */
  readonly phases: WorkerPhase[];
  /** Time of the busiest worker in accepted leases: the duration of the pass if no lease had been lost. */
  readonly busiestSeconds: number;
}

/** A worker that is attending at the end of the pass. */
export interface AttendingWorker {
  readonly slot: number;
  readonly computeThreads: number;
  /** When its session stream was opened, on the clock of the leases. */
  readonly sinceMs: number;
}

export interface PassFacts {
  /** When the first lease of the pass was granted, even if it was lost. Default: when the first accepted one was. */
  readonly firstLeaseAtMs?: number;
  /** Workers without an accepted lease count as waiting. Default: none. */
  readonly attendingWorkers?: readonly AttendingWorker[];
}

export function passTimes(contributors: readonly Contributor[], facts: PassFacts = {}): PassTimes {
  const { firstLeaseAtMs = Math.min(...contributors.map(({ grantedAtMs }) => grantedAtMs)), attendingWorkers = [] } =
    facts;
  const lastSumAtMs = Math.max(firstLeaseAtMs, ...contributors.map(({ receivedAtMs }) => receivedAtMs));
  const attendedSince = new Map(attendingWorkers.map(({ slot, sinceMs }) => [slot, sinceMs]));
  const busySeconds = new Map<number, number>();
  const bySlot = new Map<number, WorkerPhase>();
  for (const contributor of contributors) {
    const { slot, grantedAtMs, receivedAtMs } = contributor;
    busySeconds.set(slot, (busySeconds.get(slot) ?? 0) + (receivedAtMs - grantedAtMs) / 1000);
    const own = phaseOf(contributor, firstLeaseAtMs);
    const before = bySlot.get(slot);
    bySlot.set(slot, before === undefined ? own : added(before, own));
  }
  for (const { slot, computeThreads } of attendingWorkers) {
    if (!bySlot.has(slot)) bySlot.set(slot, WorkerPhase.create({ slot, computeThreads }));
  }
  const phases = [...bySlot.values()].map((phase) => {
    const fromMs = Math.max(firstLeaseAtMs, attendedSince.get(phase.slot) ?? firstLeaseAtMs);
    const spanSeconds = (lastSumAtMs - fromMs) / 1000;
    return { ...phase, waitSeconds: Math.max(0, spanSeconds - (busySeconds.get(phase.slot) ?? 0)) };
  });
  return {
    phases: phases.sort((a, b) => a.slot - b.slot),
    busiestSeconds: Math.max(0, ...busySeconds.values()),
  };
}

function phaseOf(contributor: Contributor, firstLeaseAtMs: number): WorkerPhase {
  const { slot, node, phaseSeconds, computeThreads, uploadStartedAtMs, receivedAtMs } = contributor;
  return {
    slot,
    microBatches: node.count,
    fetchWeightsSeconds: phaseSeconds.fetchWeights,
    loadSeconds: phaseSeconds.load,
    computeSeconds: phaseSeconds.compute,
    forwardSeconds: phaseSeconds.forward,
    backwardSeconds: phaseSeconds.backward,
    sumSeconds: phaseSeconds.sum,
    uploadSeconds: (receivedAtMs - uploadStartedAtMs) / 1000,
    waitSeconds: 0,
    barrierSeconds: (receivedAtMs - firstLeaseAtMs) / 1000,
    computeThreads,
  };
}

/** Adds the times of two leases of one slot in a pass. */
function added(a: WorkerPhase, b: WorkerPhase): WorkerPhase {
  // The next worker in the slot may have another number of threads. The earlier worker's thread seconds are scaled to
  // that number, so that seconds divided by threads is still wall-clock time.
  const scale = b.computeThreads / a.computeThreads;
  return {
    slot: b.slot,
    computeThreads: b.computeThreads,
    microBatches: a.microBatches + b.microBatches,
    fetchWeightsSeconds: a.fetchWeightsSeconds + b.fetchWeightsSeconds,
    loadSeconds: a.loadSeconds + b.loadSeconds,
    computeSeconds: a.computeSeconds * scale + b.computeSeconds,
    forwardSeconds: a.forwardSeconds * scale + b.forwardSeconds,
    backwardSeconds: a.backwardSeconds * scale + b.backwardSeconds,
    sumSeconds: a.sumSeconds * scale + b.sumSeconds,
    uploadSeconds: a.uploadSeconds + b.uploadSeconds,
    waitSeconds: a.waitSeconds + b.waitSeconds,
    barrierSeconds: Math.max(a.barrierSeconds, b.barrierSeconds),
  };
}
