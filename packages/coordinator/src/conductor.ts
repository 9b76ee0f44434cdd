// Runs the core: `Conductor` gives it one event after another and carries out its effects. The parts that it is
// constructed with do the input and output: gRPC streams, tensors, the disk.
import type { JsonValue } from "@lockstep/checkpoint";
import { describeError, type Log } from "@lockstep/errors";
import type { RunDescription, TensorLayout } from "@lockstep/protocol";
import { advance } from "./core/advance.js";
import { type CoreEvent, type Effect, mayGoOnAfter, type Outcome } from "./core/event.js";
import { type CoreState, describeState, type OpenLease } from "./core/state.js";
import type { LastValidation } from "./keep/bookkeeping.js";
import type { CheckpointWriter } from "./keep/checkpoint-writer.js";
import { takeSnapshot } from "./keep/take-snapshot.js";
import type { BufferPool } from "./reduce/buffer-pool.js";
import { type Contribution, type Contributor, PassSums } from "./reduce/pass-sums.js";
import { NotFiniteUpdate, type Training } from "./reduce/training-state.js";
import type { WeightsFeed } from "./reduce/weights-feed.js";
import { instructionOf } from "./serve/instructions.js";
import type { Sessions } from "./serve/sessions.js";
import { announce } from "./tell/announcements.js";
import type { EventHub } from "./tell/event-hub.js";
import type { Goodput } from "./tell/goodput.js";
import type { StepLog } from "./tell/step-log.js";
import type { AttendingWorker } from "./tell/worker-phases.js";

export interface ConductorParts {
  readonly run: RunDescription;
  readonly layout: TensorLayout;
  readonly training: Training;
  readonly feed: WeightsFeed;
  readonly pool: BufferPool;
  readonly sessions: Sessions;
  readonly writer: CheckpointWriter;
  readonly stepLog: StepLog;
  readonly events: EventHub;
  readonly goodput: Goodput;
  /** Called when the run's state or its members may have changed. */
  readonly onChange: () => void;
  /** The coordinator's own numerics, for the manifests. */
  readonly numerics: Readonly<Record<string, JsonValue>>;
  readonly log: Log;
  readonly nowMs: () => number;
}

const memberEvents: ReadonlySet<CoreEvent["type"]> = new Set([
  "join",
  "session-opened",
  "session-closed",
  "draining",
] as const);

export class Conductor {
  /** Resolves when the core has ended the run. The caller then closes the services. */
  readonly ended: Promise<Outcome>;
  lastValidation: LastValidation | null;
  /** The first error that made the run fail, or null. */
  failure: unknown = null;
  #state: CoreState;
  readonly #parts: ConductorParts;
  readonly #queue: CoreEvent[] = [];
  #busy = false;
  #isFinished = false;
  #reason = "";
  #sums: PassSums | null = null;
  #commitUnderWay: Promise<void> = Promise.resolve();
  #end: (outcome: Outcome) => void = () => {};
  /** Mean training loss of the last completed epoch. */
  #epochLoss: number | null;

  constructor(
    state: CoreState,
    parts: ConductorParts,
    earlier: { readonly lastValidation: LastValidation | null; readonly epochLoss: number | null },
  ) {
    this.#state = state;
    this.#parts = parts;
    this.lastValidation = earlier.lastValidation;
    this.#epochLoss = earlier.epochLoss;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get state(): CoreState {
    return this.#state;
  }

  /** True when the run has ended and its last checkpoint and result are not written yet. It may still fail. */
  get isEnding(): boolean {
    return this.#state.phase.kind === "ended" && !this.#isFinished;
  }

  /** Sums of the current pass; null between passes. */
  get sums(): PassSums | null {
    return this.#sums;
  }

  /** Mean training loss of the current epoch, or of the last completed epoch when the current one has no step yet. */
  get loss(): number | null {
    return this.#parts.training.epochMetrics()?.["loss"] ?? this.#epochLoss;
  }

  /**
   * Gives an event to the core and carries out its effects. Returns the effects.
   * When carrying out an effect dispatches another event, that event is queued and handled before this call returns.
   * The inner call returns no effects.
   */
  dispatch(event: CoreEvent): readonly Effect[] {
    this.#queue.push(event);
    if (this.#busy) return [];
    this.#busy = true;
    let first: readonly Effect[] | null = null;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const { state, effects, reason } = advance(this.#state, next, this.#parts.nowMs());
        this.#state = state;
        first ??= effects;
        for (const effect of effects) this.#perform(effect);
        const isNewReason = reason !== this.#reason;
        if (isNewReason) {
          this.#parts.log.info({ state: describeState(state).name, step: state.position.step }, reason);
          this.#reason = reason;
        }
        if (isNewReason || memberEvents.has(next.type) || effects.some(({ type }) => type === "worker-lost")) {
          this.#parts.onChange();
        }
      }
    } finally {
      this.#busy = false;
    }
    return first ?? [];
  }

  /** Adds a verified sum and takes ownership of its buffer. The caller must call settle() next. */
  add(contributor: Contributor, contribution: Contribution): "accepted" | "duplicate" {
    const result = this.#sums?.add(contributor, contribution) ?? "duplicate";
    if (result === "duplicate" && contribution.values !== null) this.#parts.pool.give(contribution.values);
    return result;
  }

  /** Reports the result of add() to the core. Answer the worker first, because a commit may follow. */
  settle(leaseId: number, result: "accepted" | "duplicate"): void {
    this.dispatch(
      result === "accepted"
        ? { type: "sum-accepted", leaseId }
        : { type: "sum-refused", leaseId, reason: "the sum already has the node or a part of it" },
    );
  }

  /** Ends the run, because a worker reported that its result holds a NaN or an infinity. */
  sumNotFinite(lease: OpenLease, microBatch: number): void {
    const { step } = this.#state.position;
    this.#publishNotFinite(`step ${step}, micro-batch ${microBatch} of slot ${lease.slot}`);
    this.dispatch({ type: "sum-not-finite", leaseId: lease.leaseId, microBatch });
  }

  /** Resolves when no commit is in progress. Once the run has ended, the weights no longer change after that. */
  async settled(): Promise<void> {
    await this.#commitUnderWay;
  }

  /** Sends every attending worker how the run ended. Returns the number of these workers. */
  finish(outcome: Outcome): number {
    const completed = outcome.kind === "completed";
    const value = { completed, reason: reasonOf(outcome), mayGoOn: mayGoOnAfter(outcome) };
    this.#isFinished = true;
    this.#dropSums();
    return this.#parts.sessions.endAll({ instruction: { $case: "finish", value } });
  }

  #perform(effect: Effect): void {
    const { sessions, pool } = this.#parts;
    announce(effect, this.#parts);
    switch (effect.type) {
      case "worker-lost":
        sessions.end(effect.sessionId);
        return;
      case "open-pass":
        this.#dropSums();
        this.#sums = new PassSums(effect.pass, { numMicroBatches: effect.numMicroBatches, pool });
        return;
      case "lease":
      case "revoke":
        sessions.send(effect.sessionId, instructionOf(effect, this.#state.settings.coordinatorGeneration));
        return;
      case "commit":
        this.#commitUnderWay = this.#orBreak(() => this.#commit(effect));
        return;
      case "conclude-epoch":
        void this.#orBreak(() => this.#concludeEpoch(effect));
        return;
      case "abandon-pass":
        this.#dropSums();
        return;
      case "snapshot":
        void this.#orBreak(() => this.#snapshot());
        return;
      case "end":
        this.#end(effect.outcome);
        return;
      case "admit":
      case "refuse":
      case "lease-redone":
        return;
      default:
        unknownEffect(effect);
    }
  }

  /** Runs `work`, and ends the run when it fails, for example by a NaN or a full disk. Never rejects. */
  async #orBreak(work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.failure ??= error;
      if (error instanceof NotFiniteUpdate) this.#publishNotFinite(error.message);
      this.dispatch({ type: "broken", message: describeError(error) });
    }
  }

  #publishNotFinite(reason: string): void {
    this.#parts.events.publish({ $case: "notFinite", value: { step: this.#state.position.step, reason } });
  }

  /** Other events may arrive while the update is computed. If the run has ended by then, the result is ignored. */
  async #commit({ step, epoch, firstLeaseAtMs }: Extract<Effect, { type: "commit" }>): Promise<void> {
    const { training, feed, stepLog, nowMs } = this.#parts;
    const sums = this.#sums;
    if (sums === null) throw new Error("a commit without a pass");
    const startMs = nowMs();
    const root = sums.root();
    const { numSamples } = sums;
    const metrics = training.metricsOf(root.sums);
    feed.withdraw();
    const update = await training.apply(root, { step, numSamples });
    const weightsDigest = training.digest();
    feed.publish({ step: step + 1, digest: weightsDigest }, training.weightsBytes());
    if (this.#state.phase.kind !== "committing") return;
    const endMs = nowMs();
    stepLog.committed(
      {
        step: step + 1,
        epoch,
        metrics,
        ...update,
        stepSeconds: (endMs - firstLeaseAtMs) / 1000,
        commitSeconds: (endMs - startMs) / 1000,
        firstLeaseAtMs,
        attendingWorkers: this.#attendingWorkers(),
        weightsDigest,
      },
      sums,
    );
    this.#dropSums();
    this.dispatch({ type: "committed", weightsDigest });
  }

  #attendingWorkers(): AttendingWorker[] {
    return this.#state.members.flatMap(({ slot, computeThreads, status, sessionId }) => {
      const sinceMs = status === "attending" ? this.#parts.sessions.sinceMs(sessionId) : null;
      return sinceMs === null ? [] : [{ slot, computeThreads, sinceMs }];
    });
  }

  #concludeEpoch({ epoch, step, validated }: Extract<Effect, { type: "conclude-epoch" }>): void {
    const { training, stepLog, nowMs } = this.#parts;
    const sums = validated === null ? null : this.#sums;
    const metrics = sums === null ? {} : training.metricsOf(sums.root().sums);
    const trainingMetrics = training.epochMetrics() ?? {};
    const seconds = validated === null ? 0 : (nowMs() - validated.openedAtMs) / 1000;
    stepLog.validated({ epoch, step, metrics, trainingMetrics, seconds }, sums);
    if (sums !== null) this.lastValidation = { epoch, metrics };
    this.#epochLoss = trainingMetrics["loss"] ?? null;
    training.startEpoch();
    this.#dropSums();
    this.dispatch({ type: "concluded", validationLoss: finiteOrNull(metrics["loss"]) });
  }

  #snapshot(): void {
    const { run, layout, training, numerics, goodput, writer } = this.#parts;
    const { lastValidation } = this;
    const sources = { run, layout, state: this.#state, trained: training.copy(), numerics, lastValidation };
    writer.submit(takeSnapshot({ ...sources, epochLoss: this.#epochLoss, goodput: goodput.record }));
  }

  #dropSums(): void {
    this.#sums?.dispose();
    this.#sums = null;
  }
}

export function reasonOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case "completed":
    case "stopped":
      return outcome.reason;
    case "failed":
      return outcome.message;
  }
}

function finiteOrNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function unknownEffect(effect: never): never {
  throw new Error(`unknown effect ${JSON.stringify(effect)}`);
}
