// Owns what this life of the coordinator has counted, as a function of the events that it told: observers that come later
// hear the totals, and the newest event of each kind that they would have missed. Nothing is decided by it.
import { type Event, RunTotals, WorkerPhase } from "@lockstep/protocol";

const recentKinds = ["stepCommitted", "epochValidated", "checkpointWritten"] as const;
type RecentKind = (typeof recentKinds)[number];

export class RunTally {
  readonly #totals = RunTotals.create();
  readonly #workers = new Map<number, WorkerPhase>();
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

  /** Added over the committed steps, and micro-batches over validations too. */
  ofWorker(slot: number): WorkerPhase {
    return { ...(this.#workers.get(slot) ?? WorkerPhase.create({ slot })) };
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
        for (const phase of phases) this.#workers.set(phase.slot, added(this.ofWorker(phase.slot), phase));
        this.#recent.set("stepCommitted", told);
        return;
      }
      case "epochValidated": {
        this.#addPass(event.value);
        for (const { slot, microBatches } of event.value.phases) {
          const before = this.ofWorker(slot);
          this.#workers.set(slot, { ...before, microBatches: before.microBatches + microBatches });
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

/** Two leases of one worker in a step, or its steps. What is no sum is the second's. */
export function added(a: WorkerPhase, b: WorkerPhase): WorkerPhase {
  return {
    slot: b.slot,
    computeThreads: b.computeThreads,
    microBatches: a.microBatches + b.microBatches,
    fetchWeightsSeconds: a.fetchWeightsSeconds + b.fetchWeightsSeconds,
    loadSeconds: a.loadSeconds + b.loadSeconds,
    computeSeconds: a.computeSeconds + b.computeSeconds,
    forwardSeconds: a.forwardSeconds + b.forwardSeconds,
    backwardSeconds: a.backwardSeconds + b.backwardSeconds,
    sumSeconds: a.sumSeconds + b.sumSeconds,
    uploadSeconds: a.uploadSeconds + b.uploadSeconds,
    waitSeconds: a.waitSeconds + b.waitSeconds,
    barrierSeconds: a.barrierSeconds + b.barrierSeconds,
  };
}
