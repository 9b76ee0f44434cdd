// Owns what this life of the coordinator has counted, as a function of the events that it told: observers that come later
// hear the totals, and the newest event of each kind that they would have missed. Nothing is decided by it.
import { type Event, RunTotals, type WorkerPhase, WorkerTotals } from "@lockstep/protocol";

const recentKinds = ["stepCommitted", "epochValidated", "checkpointWritten"] as const;
type RecentKind = (typeof recentKinds)[number];

export class RunCounters {
  readonly #totals = RunTotals.create();
  readonly #workers = new Map<number, WorkerTotals>();
  readonly #recent = new Map<RecentKind, Event>();

  /** @param before of what this life goes on from; not counted */
  constructor(before: readonly Event[]) {
    for (const told of before)
      if (told.event !== undefined && isRecent(told.event.$case)) this.#recent.set(told.event.$case, told);
  }

  get totals(): RunTotals {
    return { ...this.#totals };
  }

  get recent(): Event[] {
    return [...this.#recent.values()];
  }

  /** Of every worker that was in the slot. */
  ofWorker(slot: number): WorkerTotals {
    return { ...(this.#workers.get(slot) ?? WorkerTotals.create()) };
  }

  take(told: Event): void {
    const { event } = told;
    const totals = this.#totals;
    switch (event?.$case) {
      case "stepCommitted": {
        const { numSamples, bytesReceived, bytesSent, productiveSeconds, phases } = event.value;
        totals.steps += 1;
        totals.samples += numSamples;
        this.#addPass({ bytesReceived, bytesSent, productiveSeconds });
        for (const phase of phases) this.#workers.set(phase.slot, withStep(this.ofWorker(phase.slot), phase));
        this.#recent.set("stepCommitted", told);
        return;
      }
      case "epochValidated": {
        this.#addPass(event.value);
        for (const { slot, microBatches } of event.value.phases) {
          const before = this.ofWorker(slot);
          const validateMicroBatches = before.validateMicroBatches + microBatches;
          this.#workers.set(slot, { ...before, validateMicroBatches });
        }
        this.#recent.set("epochValidated", told);
        return;
      }
      case "checkpointWritten":
        totals.checkpoints += 1;
        this.#recent.set("checkpointWritten", told);
        return;
      case "workerLost":
        totals.leasesLost += event.value.leasesLost;
        if (!event.value.left) totals.workersLost += 1;
        return;
      case "leaseRedone":
        totals.leasesRedone += 1;
        return;
      case "notFinite":
        totals.notFinite += 1;
        return;
    }
  }

  #addPass(pass: Pick<RunTotals, "bytesReceived" | "bytesSent" | "productiveSeconds">): void {
    this.#totals.bytesReceived += pass.bytesReceived;
    this.#totals.bytesSent += pass.bytesSent;
    this.#totals.productiveSeconds += pass.productiveSeconds;
  }
}

function isRecent(kind: string): kind is RecentKind {
  return recentKinds.some((known) => known === kind);
}

/** Thread seconds become wall seconds before they are added: the next worker in the slot may have other threads. */
function withStep(totals: WorkerTotals, phase: WorkerPhase): WorkerTotals {
  const threads = Math.max(1, phase.computeThreads);
  return {
    ...totals,
    trainMicroBatches: totals.trainMicroBatches + phase.microBatches,
    fetchWeightsSeconds: totals.fetchWeightsSeconds + phase.fetchWeightsSeconds,
    loadSeconds: totals.loadSeconds + phase.loadSeconds,
    forwardSeconds: totals.forwardSeconds + phase.forwardSeconds / threads,
    backwardSeconds: totals.backwardSeconds + phase.backwardSeconds / threads,
    sumSeconds: totals.sumSeconds + phase.sumSeconds / threads,
    uploadSeconds: totals.uploadSeconds + phase.uploadSeconds,
    waitSeconds: totals.waitSeconds + phase.waitSeconds,
  };
}
