// Counts the published events of this generation of the coordinator: `RunCounters`. A late observer receives the totals
// and the newest event of some kinds. It makes no decisions.
import { type Event, RunTotals, type WorkerPhase, WorkerTotals } from "@lockstep/protocol";

const recentKinds = ["stepCommitted", "epochValidated", "checkpointWritten"] as const;
type RecentKind = (typeof recentKinds)[number];

export class RunCounters {
  readonly #totals = RunTotals.create();
  readonly #workers = new Map<number, WorkerTotals>();
  readonly #recent = new Map<RecentKind, Event>();

  /** @param before events of the checkpoint from which this generation starts; they are not counted */
  constructor(before: readonly Event[]) {
    for (const earlier of before) {
      const kind = earlier.event?.$case;
      if (kind !== undefined && isRecent(kind)) this.#recent.set(kind, earlier);
    }
  }

  get totals(): RunTotals {
    return { ...this.#totals };
  }

  get recent(): Event[] {
    return [...this.#recent.values()];
  }

  /** Totals of all workers that had the slot. */
  ofWorker(slot: number): WorkerTotals {
    return { ...(this.#workers.get(slot) ?? WorkerTotals.create()) };
  }

  count(published: Event): void {
    const { event } = published;
    const totals = this.#totals;
    switch (event?.$case) {
      case "stepCommitted": {
        const { numSamples, bytesReceived, bytesSent, productiveSeconds, phases } = event.value;
        totals.steps += 1;
        totals.samples += numSamples;
        this.#addPass({ bytesReceived, bytesSent, productiveSeconds });
        for (const phase of phases) this.#workers.set(phase.slot, withStep(this.ofWorker(phase.slot), phase));
        this.#recent.set("stepCommitted", published);
        return;
      }
      case "epochValidated": {
        this.#addPass(event.value);
        for (const { slot, microBatches } of event.value.phases) {
          const before = this.ofWorker(slot);
          const validateMicroBatches = before.validateMicroBatches + microBatches;
          this.#workers.set(slot, { ...before, validateMicroBatches });
        }
        this.#recent.set("epochValidated", published);
        return;
      }
      case "checkpointWritten":
        totals.checkpoints += 1;
        this.#recent.set("checkpointWritten", published);
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

/**
 * Converts thread seconds to wall-clock seconds before adding: the next worker in the slot may have another number of
 * threads.
 */
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
