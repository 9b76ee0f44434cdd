// Owns the core's state at run time: hands it events one after another and carries out its effects. Everything that
// touches gRPC streams, tensors or the disk is done by the parts that it was given.
import type { JsonValue, Snapshot } from "@lockstep/checkpoint";
import { describeError, type Log } from "@lockstep/errors";
import { type Instruction, Pass, type RunDescription, type TensorLayout } from "@lockstep/protocol";
import { advance } from "./core/advance.js";
import type { CoreEvent, Effect, Outcome } from "./core/event.js";
import { type CoreState, describeState, type OpenLease } from "./core/state.js";
import { type LastValidation, storeBookkeeping } from "./keep/bookkeeping.js";
import type { CheckpointWriter } from "./keep/checkpoint-writer.js";
import { storedPosition } from "./keep/stored-position.js";
import type { BufferPool } from "./reduce/buffer-pool.js";
import { type Contribution, type Contributor, PassSums } from "./reduce/pass-sums.js";
import { NotFiniteUpdate, type TrainingState } from "./reduce/training-state.js";
import type { WeightsFeed } from "./reduce/weights-feed.js";
import type { EventHub } from "./tell/event-hub.js";
import type { Goodput } from "./tell/goodput.js";
import type { StepLog } from "./tell/step-log.js";
import type { Attendant } from "./tell/worker-phases.js";

/** The worker's session stream, as the conductor needs it. */
export interface Session {
  send(instruction: Instruction): void;
  /** Ends the stream after what was sent. */
  end(): void;
}

export interface ConductorParts {
  readonly run: RunDescription;
  readonly layout: TensorLayout;
  readonly training: TrainingState;
  readonly feed: WeightsFeed;
  readonly pool: BufferPool;
  readonly writer: CheckpointWriter;
  readonly stepLog: StepLog;
  readonly events: EventHub;
  readonly goodput: Goodput;
  /** Called when the run's state or who takes part may have changed. */
  readonly onChange: () => void;
  /** What the coordinator itself computes with, for the manifests. */
  readonly numerics: Readonly<Record<string, JsonValue>>;
  readonly log: Log;
  readonly nowMs: () => number;
}

const aboutMembers: ReadonlySet<CoreEvent["type"]> = new Set([
  "join",
  "session-opened",
  "session-closed",
  "draining",
] as const);

export class Conductor {
  /** Resolves when the core has ended the run; the closing is the caller's. */
  readonly ended: Promise<Outcome>;
  lastValidation: LastValidation | null;
  /** What broke the run, where something was thrown. */
  failure: unknown;
  #state: CoreState;
  readonly #parts: ConductorParts;
  readonly #sessions = new Map<string, Session & { readonly sinceMs: number }>();
  readonly #queue: CoreEvent[] = [];
  #busy = false;
  #reason = "";
  #sums: PassSums | null = null;
  #end: (outcome: Outcome) => void = () => {};
  /** Mean training loss of the epoch that ended last. */
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

  /** Sums of the pass under way; null between passes. */
  get sums(): PassSums | null {
    return this.#sums;
  }

  /** Mean training loss of the epoch under way, or of the one that ended last. */
  get loss(): number | null {
    return this.#parts.training.epochMetrics()?.["loss"] ?? this.#epochLoss;
  }

  /** Takes one event and all that follow from it; the effects of this one. Events from within wait their turn. */
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
        const isNews = reason !== this.#reason;
        if (isNews) {
          this.#parts.log.info({ state: describeState(state).name, step: state.position.step }, reason);
          this.#reason = reason;
        }
        if (isNews || aboutMembers.has(next.type) || effects.some(({ type }) => type === "worker-lost")) {
          this.#parts.onChange();
        }
      }
    } finally {
      this.#busy = false;
    }
    return first ?? [];
  }

  attach(sessionId: string, session: Session): void {
    this.#sessions.set(sessionId, { ...session, sinceMs: this.#parts.nowMs() });
  }

  /** Adds a verified sum, whose buffer belongs to the conductor from here on; settle() must follow. */
  add(contributor: Contributor, contribution: Contribution): "accepted" | "duplicate" {
    const result = this.#sums?.add(contributor, contribution) ?? "duplicate";
    if (result === "duplicate" && contribution.values !== null) this.#parts.pool.give(contribution.values);
    return result;
  }

  /** Tells the core what add() said. The commit may follow from it: the worker should have its answer by then. */
  settle(leaseId: number, result: "accepted" | "duplicate"): void {
    this.dispatch(
      result === "accepted"
        ? { type: "sum-accepted", leaseId }
        : { type: "sum-refused", leaseId, reason: "the node, or a part of it, is in the sum already" },
    );
  }

  /** A worker says that what it computed holds a NaN or an infinity: the run ends. */
  sumNotFinite(lease: OpenLease, microBatch: number): void {
    const { step } = this.#state.position;
    this.#tellNotFinite(`step ${step}, micro-batch ${microBatch} of slot ${lease.slot}`);
    this.dispatch({ type: "sum-not-finite", leaseId: lease.leaseId, microBatch });
  }

  /** Tells every worker to leave. @param mayGoOn whether a new life of the coordinator may want it back */
  finish(outcome: Outcome, mayGoOn: boolean): void {
    const value = { completed: outcome.kind === "completed", reason: reasonOf(outcome), mayGoOn };
    for (const session of this.#sessions.values()) {
      session.send({ instruction: { $case: "finish", value } });
      session.end();
    }
    this.#sessions.clear();
    this.#dropSums();
  }

  #perform(effect: Effect): void {
    const { log, events, pool } = this.#parts;
    switch (effect.type) {
      case "admit": {
        const { slot, generation, host, computeThreads, backend, mixed } = effect;
        if (mixed) log.warn({ slot }, "the worker's numerics differ from the run's: the run is not exact");
        log.info({ slot, generation, host, computeThreads, backend }, "worker joined");
        events.publish({ $case: "workerJoined", value: { slot, generation, host, computeThreads, backend } });
        return;
      }
      case "refuse":
        log.warn({ code: effect.code }, `refused a worker: ${effect.message}`);
        return;
      case "worker-lost": {
        const { sessionId, slot, generation, reason, leasesLost, left } = effect;
        const fields = { slot, generation, leasesLost };
        if (leasesLost > 0) log.warn(fields, `worker lost: ${reason}`);
        else log.info(fields, `worker gone: ${reason}`);
        events.publish({ $case: "workerLost", value: { slot, generation, reason, leasesLost, left } });
        this.#sessions.get(sessionId)?.end();
        this.#sessions.delete(sessionId);
        return;
      }
      case "open-pass": {
        this.#dropSums();
        this.#sums = new PassSums(effect.pass, { numMicroBatches: effect.numMicroBatches, pool });
        return;
      }
      case "lease":
        this.#sessions.get(effect.sessionId)?.send({
          instruction: {
            $case: "lease",
            value: {
              leaseId: effect.leaseId,
              coordinatorGeneration: this.#state.settings.coordinatorGeneration,
              pass: effect.pass === "train" ? Pass.TRAIN : Pass.VALIDATE,
              epoch: effect.epoch,
              step: effect.step,
              weightsDigest: effect.weightsDigest,
              numMicroBatches: effect.numMicroBatches,
              firstMicroBatch: effect.first,
              count: effect.count,
            },
          },
        });
        return;
      case "revoke": {
        const { leaseId, reason } = effect;
        this.#sessions.get(effect.sessionId)?.send({
          instruction: { $case: "leaseRevoked", value: { leaseId, reason } },
        });
        return;
      }
      case "lease-redone": {
        const { step, first, count, slot, reason } = effect;
        log.warn({ step, first, count, slot }, `lease computed once more: ${reason}`);
        events.publish({ $case: "leaseRedone", value: { step, firstMicroBatch: first, count, slot, reason } });
        return;
      }
      case "commit":
        this.#orBreak(() => this.#commit(effect));
        return;
      case "conclude-epoch":
        this.#orBreak(() => this.#concludeEpoch(effect));
        return;
      case "abandon-pass":
        log.info({}, `pass abandoned: ${effect.reason}`);
        this.#dropSums();
        return;
      case "snapshot":
        this.#parts.writer.submit(this.#snapshot());
        return;
      case "end":
        this.#end(effect.outcome);
        return;
      default:
        unknownEffect(effect);
    }
  }

  /** A gradient or an update that is not finite, a full disk: the run ends, as nothing more can be recorded. */
  #orBreak(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.failure = error;
      if (error instanceof NotFiniteUpdate) this.#tellNotFinite(error.message);
      this.dispatch({ type: "broken", message: describeError(error) });
    }
  }

  #tellNotFinite(reason: string): void {
    this.#parts.events.publish({ $case: "notFinite", value: { step: this.#state.position.step, reason } });
  }

  #commit({ step, epoch, firstLeaseAtMs }: Extract<Effect, { type: "commit" }>): void {
    const { training, feed, stepLog, nowMs } = this.#parts;
    const sums = this.#sums;
    if (sums === null) throw new Error("a commit without a pass");
    const startMs = nowMs();
    const root = sums.root();
    const { numSamples } = sums;
    const metrics = training.metricsOf(root.sums);
    const update = training.apply(root, { step, numSamples });
    const weightsDigest = training.digest();
    feed.publish({ step: step + 1, digest: weightsDigest }, training.weightsBytes());
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
        attendants: this.#attendants(),
        weightsDigest,
      },
      sums,
    );
    this.#dropSums();
    this.dispatch({ type: "committed", weightsDigest });
  }

  #attendants(): Attendant[] {
    return this.#state.members.flatMap(({ slot, computeThreads, life, sessionId }) => {
      const session = life === "attending" ? this.#sessions.get(sessionId) : undefined;
      return session === undefined ? [] : [{ slot, computeThreads, sinceMs: session.sinceMs }];
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

  #snapshot(): Snapshot {
    const { run, layout, training, numerics } = this.#parts;
    const { position, reference, settings } = this.#state;
    const { lastValidation } = this;
    // The metrics belong to these very weights when nothing was trained since.
    const fresh = position.stepInEpoch === 0 && lastValidation?.epoch === position.epoch - 1;
    return {
      runSpec: run.spec,
      layout,
      ...training.copy(),
      position: storedPosition(position, settings.course.stepsPerEpoch),
      validation: fresh ? lastValidation.metrics : null,
      numerics: {
        coordinator: { ...numerics },
        workers: reference === null ? null : (JSON.parse(reference.numericsJson) as JsonValue), // checked at the join
      },
      pixelsSha256: reference?.pixelsSha256 ?? null,
      coordinatorGeneration: settings.coordinatorGeneration,
      bookkeeping: storeBookkeeping({
        lastValidation,
        epochLoss: this.#epochLoss,
        leasesRedone: this.#state.leasesRedone,
        microBatchesByWorker: countsBySlot(this.#state),
        mixedNumerics: this.#state.mixedNumerics,
        validationLosses: this.#state.validationLosses,
        goodput: this.#parts.goodput.record,
      }),
    };
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

/** Micro-batches by slot, from slot 0 on. */
export function countsBySlot({ members, microBatchesBySlot }: CoreState): number[] {
  const slots = [...members.map(({ slot }) => slot), ...microBatchesBySlot.keys()];
  return Array.from({ length: 1 + Math.max(-1, ...slots) }, (_, slot) => microBatchesBySlot.get(slot) ?? 0);
}

function finiteOrNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function unknownEffect(effect: never): never {
  throw new Error(`unknown effect ${JSON.stringify(effect)}`);
}
