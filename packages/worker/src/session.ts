// Owns one session with the coordinator, from Attend to its end: acts out what session-state.ts decides. A lease's
// way is lease-work.ts', joining and joining again run-worker.ts'.
import { performance } from "node:perf_hooks";
import { type GpuVitals, type Heartbeat, type Instruction, type Lease, WireError } from "@lockstep/protocol";
import { type VitalsWatch, watchVitals } from "@lockstep/service";
import type { Attendance } from "./coordinator-link.js";
import { isInternal, judgeFailure } from "./failure-verdict.js";
import { LeaseWork, type LeaseWorkContext } from "./lease-work.js";
import {
  advanceSession,
  openSessionState,
  type SessionEffect,
  type SessionEnd,
  type SessionEvent,
} from "./session-state.js";

export interface SessionContext extends LeaseWorkContext {
  /** As last sampled; empty without a GPU. */
  readonly gpus: () => readonly GpuVitals[];
  /** Aborted: the worker is to leave. */
  readonly signal: AbortSignal;
}

export interface SessionSummary {
  readonly end: SessionEnd;
  /** Micro-batches whose sums the coordinator accepted. */
  readonly microBatches: number;
  /** Whether anything was heard in it: a session that broke at once calls for patience. */
  readonly wasAlive: boolean;
  /** The stream broke by an error that may be the coordinator's bug. */
  readonly brokeInternally: boolean;
}

/** How long leases held may take once the worker was told to leave. */
const drainTimeoutMs = 10_000;
/** How long the coordinator may take to close its side after a goodbye. */
const goodbyeTimeoutMs = 1_000;

/** Rejects for a failure that joining again would not mend. */
export function attend(context: SessionContext): Promise<SessionSummary> {
  return new Session(context).run();
}

class Session {
  readonly #context: SessionContext;
  readonly #work: LeaseWork;
  readonly #attendance: Attendance;
  readonly #running = new Map<number, AbortController>();
  readonly #vitals: VitalsWatch = watchVitals();
  readonly #over = new AbortController();
  readonly #ended: Promise<SessionEnd>;
  #resolveEnd: (end: SessionEnd) => void = () => {};
  #rejectEnd: (error: Error) => void = () => {};
  #state: ReturnType<typeof openSessionState>;
  #drainTimer: NodeJS.Timeout | null = null;
  #microBatches = 0;
  #wasAlive = false;
  #brokeInternally = false;

  constructor(context: SessionContext) {
    this.#context = context;
    this.#work = new LeaseWork(context, this.#over.signal);
    this.#state = openSessionState({ silenceTimeoutMs: context.joined.heartbeatTimeoutMs }, performance.now());
    this.#ended = new Promise((resolve, reject) => {
      this.#resolveEnd = resolve;
      this.#rejectEnd = reject;
    });
    this.#attendance = context.link.attend(context.joined.sessionId, (instruction) => this.#hear(instruction));
  }

  async run(): Promise<SessionSummary> {
    const { joined, signal } = this.#context;
    const onStop = () => this.#apply({ type: "stop", reason: reasonOf(signal) });
    const heart = setInterval(() => this.#apply({ type: "tick" }), joined.heartbeatIntervalMs);
    void this.#attendance.ended.then((error) => this.#streamEnded(error));
    signal.addEventListener("abort", onStop, { once: true });
    if (signal.aborted) onStop();
    try {
      const end = await this.#ended;
      await this.#sayGoodbye(end);
      const { wasAlive, brokeInternally, microBatches } = this.#counts();
      return { end, wasAlive, brokeInternally, microBatches };
    } finally {
      clearInterval(heart);
      if (this.#drainTimer !== null) clearTimeout(this.#drainTimer);
      signal.removeEventListener("abort", onStop);
      this.#vitals.stop();
      this.#over.abort(new Error("the session is over"));
      for (const controller of this.#running.values()) controller.abort(this.#over.signal.reason);
      this.#attendance.cancel();
    }
  }

  #counts() {
    return { microBatches: this.#microBatches, wasAlive: this.#wasAlive, brokeInternally: this.#brokeInternally };
  }

  #hear({ instruction }: Instruction): void {
    this.#wasAlive = true;
    if (instruction === undefined) {
      // A newer coordinator may know more instructions; a lease that is not understood must not be lost in silence.
      this.#rejectEnd(new WireError("bad-request", "an instruction that this worker does not know"));
      return;
    }
    switch (instruction.$case) {
      case "heartbeatAck":
        this.#apply({ type: "heartbeat-ack" });
        return;
      case "lease":
        this.#apply({ type: "lease", lease: instruction.value, problem: this.#problemOf(instruction.value) });
        return;
      case "leaseRevoked":
        this.#apply({ type: "lease-revoked", ...instruction.value });
        return;
      case "finish":
        this.#apply({ type: "finish", ...instruction.value });
        return;
    }
  }

  #problemOf(lease: Lease): string | null {
    const { coordinatorGeneration } = this.#context.joined;
    if (lease.coordinatorGeneration !== coordinatorGeneration) {
      return `it is of coordinator generation ${lease.coordinatorGeneration}, the session of ${coordinatorGeneration}`;
    }
    return this.#context.computeContext.source.problemOf(lease);
  }

  #streamEnded(error: Error | null): void {
    if (error === null) this.#apply({ type: "lost", reason: "the coordinator closed the session" });
    else this.#settleFailure(null, error);
  }

  #apply(event: SessionEvent): void {
    const { state, effects, reason } = advanceSession(this.#state, event, performance.now());
    this.#state = state;
    if (reason !== null) this.#context.log.info({ slot: this.#context.joined.slot, phase: state.phase }, reason);
    for (const effect of effects) this.#act(effect);
    if (state.phase === "draining" && this.#drainTimer === null) {
      this.#drainTimer = setTimeout(() => this.#apply({ type: "drain-timeout" }), drainTimeoutMs);
    }
  }

  #act(effect: SessionEffect): void {
    switch (effect.type) {
      case "begin":
        this.#begin(effect.lease);
        return;
      case "drop":
        this.#running.get(effect.leaseId)?.abort(new Error("the lease was dropped"));
        return;
      case "report":
        this.#attendance.send(effect.report);
        return;
      case "heartbeat":
        this.#attendance.send({ $case: "heartbeat", value: this.#heartbeat(effect.sequence) });
        return;
      case "end":
        this.#resolveEnd(effect.end);
        return;
    }
  }

  #heartbeat(sequence: number): Heartbeat {
    return { sequence, ...this.#vitals.sample(), gpus: [...this.#context.gpus()] };
  }

  #begin(lease: Lease): void {
    const controller = new AbortController();
    this.#running.set(lease.leaseId, controller);
    void this.#work
      .run(lease, controller.signal)
      .then(
        ({ accepted }) => {
          if (accepted) this.#microBatches += lease.count;
          this.#apply({ type: "lease-closed", leaseId: lease.leaseId });
        },
        (error) => {
          if (!controller.signal.aborted) this.#settleFailure(lease, error);
        },
      )
      .finally(() => this.#running.delete(lease.leaseId));
  }

  #settleFailure(lease: Lease | null, error: Error): void {
    const { log } = this.#context;
    const verdict = judgeFailure(error);
    const { reason } = verdict;
    const leaseId = lease?.leaseId ?? null;
    switch (verdict.kind) {
      case "forget":
        log.info({ leaseId, reason }, "a lease is not wanted any more");
        if (leaseId !== null) this.#apply({ type: "lease-closed", leaseId });
        return;
      case "fail-lease":
        log.warn({ leaseId, reason }, "a lease failed");
        if (leaseId !== null) this.#apply({ type: "lease-failed", leaseId, reason });
        else this.#apply({ type: "lost", reason });
        return;
      case "rejoin":
        this.#brokeInternally ||= isInternal(error);
        this.#apply({ type: "lost", reason });
        return;
      case "fatal":
        this.#rejectEnd(error);
        return;
    }
  }

  /** Reports on their way are flushed, and the coordinator sees an orderly end. */
  async #sayGoodbye(end: SessionEnd): Promise<void> {
    if (end.kind === "lost") return;
    this.#attendance.end();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), goodbyeTimeoutMs);
    });
    await Promise.race([this.#attendance.ended, timeout]);
    clearTimeout(timer);
  }
}

function reasonOf(signal: AbortSignal): string {
  return signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
}
