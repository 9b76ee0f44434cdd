// runSession() runs one session with the coordinator, from the Attend call to its end. session-state.ts decides, and
// this file acts: it sends reports and heartbeats, and starts and aborts LeaseWork.
import { performance } from "node:perf_hooks";
import { type GpuVitals, type Heartbeat, type Instruction, type Lease, WireError } from "@lockstep/protocol";
import { type VitalsWatch, watchVitals } from "@lockstep/service";
import type { SessionStream } from "./coordinator-link.js";
import { actionFor, isInternal } from "./failure-action.js";
import { LeaseWork, type LeaseWorkContext } from "./lease-work.js";
import {
  advanceSession,
  openSessionState,
  type SessionEffect,
  type SessionEnd,
  type SessionEvent,
} from "./session-state.js";

export interface SessionContext extends LeaseWorkContext {
  /** Returns the last sample of each GPU; empty without a GPU. */
  readonly gpus: () => readonly GpuVitals[];
  /** When it is aborted, the worker finishes its leases and leaves. */
  readonly signal: AbortSignal;
}

export interface SessionSummary {
  readonly end: SessionEnd;
  /** Micro-batches whose sums the coordinator accepted. */
  readonly microBatches: number;
  /** False if the session ended before the first message of the coordinator: the next attempt should wait longer. */
  readonly receivedMessages: boolean;
  /** True if the stream ended with INTERNAL, which may be a bug of the coordinator. */
  readonly endedInternally: boolean;
}

/** A worker that was stopped gives its leases back after this time. */
const drainTimeoutMs = 10_000;
/** How long the worker waits for the coordinator to close its side of the stream. */
const closeTimeoutMs = 1_000;

/** @throws the error of a failure that would occur again after joining again */
export function runSession(context: SessionContext): Promise<SessionSummary> {
  return new Session(context).run();
}

class Session {
  readonly #context: SessionContext;
  readonly #work: LeaseWork;
  readonly #stream: SessionStream;
  readonly #running = new Map<number, AbortController>();
  readonly #vitals: VitalsWatch = watchVitals();
  readonly #over = new AbortController();
  readonly #ended: Promise<SessionEnd>;
  #resolveEnd: (end: SessionEnd) => void = () => {};
  #rejectEnd: (error: Error) => void = () => {};
  #state: ReturnType<typeof openSessionState>;
  #drainTimer: NodeJS.Timeout | null = null;
  #microBatches = 0;
  #receivedMessages = false;
  #endedInternally = false;

  constructor(context: SessionContext) {
    this.#context = context;
    this.#work = new LeaseWork(context, this.#over.signal);
    this.#state = openSessionState({ silenceTimeoutMs: context.joined.heartbeatTimeoutMs }, performance.now());
    this.#ended = new Promise((resolve, reject) => {
      this.#resolveEnd = resolve;
      this.#rejectEnd = reject;
    });
    this.#stream = context.link.attend(context.joined.sessionId, (instruction) => this.#receive(instruction));
  }

  async run(): Promise<SessionSummary> {
    const { joined, signal } = this.#context;
    const onStop = () => this.#apply({ type: "stop", reason: reasonOf(signal) });
    const heartbeatTimer = setInterval(() => this.#apply({ type: "tick" }), joined.heartbeatIntervalMs);
    void this.#stream.ended.then((error) => this.#streamEnded(error));
    signal.addEventListener("abort", onStop, { once: true });
    if (signal.aborted) onStop();
    try {
      const end = await this.#ended;
      await this.#closeStream(end);
      const { receivedMessages, endedInternally, microBatches } = this.#counts();
      return { end, receivedMessages, endedInternally, microBatches };
    } finally {
      clearInterval(heartbeatTimer);
      if (this.#drainTimer !== null) clearTimeout(this.#drainTimer);
      signal.removeEventListener("abort", onStop);
      this.#vitals.stop();
      this.#over.abort(new Error("the session is over"));
      for (const controller of this.#running.values()) controller.abort(this.#over.signal.reason);
      this.#stream.cancel();
    }
  }

  #counts() {
    return {
      microBatches: this.#microBatches,
      receivedMessages: this.#receivedMessages,
      endedInternally: this.#endedInternally,
    };
  }

  #receive({ instruction }: Instruction): void {
    this.#receivedMessages = true;
    if (instruction === undefined) {
      // A newer coordinator may have more kinds of instructions. Ignoring one could lose a lease without a message.
      this.#rejectEnd(
        new WireError(
          "bad-request",
          "the coordinator sent an instruction that this worker does not support; install the same release on both",
        ),
      );
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
      return `the lease has coordinator generation ${lease.coordinatorGeneration}, the session has ${coordinatorGeneration}`;
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
        this.#stream.send(effect.report);
        return;
      case "heartbeat":
        this.#stream.send({ $case: "heartbeat", value: this.#heartbeat(effect.sequence) });
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
    const action = actionFor(error);
    const { reason } = action;
    const leaseId = lease?.leaseId ?? null;
    switch (action.kind) {
      case "close-lease":
        log.info({ leaseId, reason }, "the sum of a lease is not needed any more");
        if (leaseId !== null) this.#apply({ type: "lease-closed", leaseId });
        return;
      case "fail-lease":
        log.warn({ leaseId, reason }, "a lease failed");
        if (leaseId !== null) this.#apply({ type: "lease-failed", leaseId, reason });
        else this.#apply({ type: "lost", reason });
        return;
      case "rejoin":
        this.#endedInternally ||= isInternal(error);
        this.#apply({ type: "lost", reason });
        return;
      case "fatal":
        this.#rejectEnd(error);
        return;
    }
  }

  /** Sends the reports that are still buffered, and waits until the coordinator has closed its side. */
  async #closeStream(end: SessionEnd): Promise<void> {
    if (end.kind === "lost") return;
    this.#stream.end();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), closeTimeoutMs);
    });
    await Promise.race([this.#stream.ended, timeout]);
    clearTimeout(timer);
  }
}

function reasonOf(signal: AbortSignal): string {
  return signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
}
