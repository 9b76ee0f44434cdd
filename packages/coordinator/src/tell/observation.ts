// Holds what observers receive besides single events: `Observation` has the run's status, the counters of this
// generation of the coordinator, and the event hub. It makes no decisions.
import { EpochValidated, type Event, type RunStatus } from "@lockstep/protocol";
import type { ProcessVitals } from "@lockstep/service";
import type { CoreState } from "../core/state.js";
import type { Bookkeeping, LastValidation } from "../keep/bookkeeping.js";
import type { StoredCheckpoint } from "../keep/run-folder.js";
import { EventHub } from "./event-hub.js";
import { carriedOver, Goodput, type PreviousEnd } from "./goodput.js";
import { RunCounters } from "./run-counters.js";
import { runStatus } from "./run-status.js";
import { WorkerVitals } from "./worker-vitals.js";

/** The start of a generation of the coordinator. */
export interface GenerationStart {
  /** Number of this coordinator in the run, from 1. */
  readonly generation: number;
  /** Unix time, milliseconds. */
  readonly beganAtMs: number;
  /** Null when the previous generation failed or was killed, or when this is the first. */
  readonly previousEnd: PreviousEnd | null;
}

export class Observation {
  readonly beganAtMs: number;
  readonly events: EventHub;
  readonly counters: RunCounters;
  readonly vitals = new WorkerVitals();
  readonly goodput: Goodput;
  readonly #state: () => CoreState;
  #own: ProcessVitals = { residentBytes: process.memoryUsage.rss(), eventLoopDelayMs: 0 };

  constructor(options: {
    readonly start: GenerationStart;
    readonly checkpoint: StoredCheckpoint;
    readonly earlier: Pick<Bookkeeping, "goodput" | "lastValidation">;
    /** Called only when there is a subscriber. */
    readonly state: () => CoreState;
    readonly unixMs: () => number;
  }) {
    const { start, checkpoint, earlier, unixMs } = options;
    const { generation, beganAtMs } = start;
    this.beganAtMs = beganAtMs;
    this.#state = options.state;
    const counters = new RunCounters(before(checkpoint, generation, earlier.lastValidation));
    this.counters = counters;
    const onPublished = (event: Event): void => counters.count(event);
    this.events = new EventHub({ coordinatorGeneration: generation, unixMs, onPublished });
    this.goodput = new Goodput({
      carried: carriedOver(earlier.goodput, start),
      productiveSeconds: () => counters.totals.productiveSeconds,
      beganAtMs,
      unixMs,
    });
  }

  get status(): RunStatus {
    const { counters, vitals, goodput } = this;
    return runStatus({ state: this.#state(), counters, vitals, goodput: goodput.ratio, coordinator: this.#own });
  }

  /** Publishes the run's status. @param own a new sample of the health of this process; default: the last one */
  publishStatus(own: ProcessVitals = this.#own): void {
    this.#own = own;
    if (this.events.numSubscribers > 0) this.events.publish({ $case: "runStatus", value: this.status });
  }
}

/**
 * The events of the checkpoint from which this generation starts: the checkpoint, and the validation that it stores.
 */
function before(
  { manifest, path, writtenAtMs }: StoredCheckpoint,
  coordinatorGeneration: number,
  lastValidation: LastValidation | null,
): Event[] {
  const { files, position } = manifest;
  const { step } = position;
  const sizeBytes = Object.values(files).reduce((sum, file) => sum + file.sizeBytes, 0);
  const head = { sequence: 0, coordinatorGeneration, timeMs: Math.round(writtenAtMs) };
  const written: Event = {
    ...head,
    event: { $case: "checkpointWritten", value: { step, path, sizeBytes, seconds: 0 } },
  };
  if (lastValidation === null) return [written];
  const { epoch, metrics } = lastValidation;
  const value = EpochValidated.create({ epoch, metrics: { ...metrics } });
  return [written, { ...head, event: { $case: "epochValidated", value } }];
}
