// Owns what a worker does in one session with the coordinator: which leases it holds, when it says what, when the
// session is over and why. Pure: (state, event) -> (state, effects, reason); computing, gRPC and the clock are the
// shell's (session.ts).
import type { Lease, WorkerReport } from "@lockstep/protocol";

/**
 *   attending  computes what it is given        -> draining (stop), over (finish, lost)
 *   draining   finishes what it holds           -> over (nothing left, drain timeout, finish, lost)
 *   over       hears nothing any more
 */
export type SessionPhase = "attending" | "draining" | "over";

export interface SessionSettings {
  /** After how long without a word from the coordinator it counts as lost, milliseconds. */
  readonly silenceTimeoutMs: number;
}

export interface SessionState {
  readonly settings: SessionSettings;
  readonly phase: SessionPhase;
  /** Leases held: being fetched for, computed or uploaded. */
  readonly leases: ReadonlySet<number>;
  /** Heartbeats sent. */
  readonly heartbeats: number;
  readonly lastHeardMs: number;
  readonly lastTickMs: number;
}

export type SessionEnd =
  /** The coordinator said that the run is over (`completed`) or stops. */
  | { readonly kind: "finished"; readonly completed: boolean; readonly mayGoOn: boolean; readonly reason: string }
  /** Asked to stop, the worker has done or given back what it held. */
  | { readonly kind: "drained"; readonly reason: string }
  /** The coordinator is out of reach or knows this session no more: join again. */
  | { readonly kind: "lost"; readonly reason: string };

export type SessionEvent =
  /** `problem`: why the worker cannot compute it; null when it can. */
  | { readonly type: "lease"; readonly lease: Lease; readonly problem: string | null }
  | { readonly type: "lease-revoked"; readonly leaseId: number; readonly reason: string }
  | { readonly type: "heartbeat-ack" }
  | { readonly type: "finish"; readonly completed: boolean; readonly mayGoOn: boolean; readonly reason: string }
  /** The lease's sum was taken, or is not wanted any more. */
  | { readonly type: "lease-closed"; readonly leaseId: number }
  /** It cannot be computed here. */
  | { readonly type: "lease-failed"; readonly leaseId: number; readonly reason: string }
  | { readonly type: "lost"; readonly reason: string }
  | { readonly type: "stop"; readonly reason: string }
  | { readonly type: "drain-timeout" }
  /** Once every heartbeat interval. */
  | { readonly type: "tick" };

export type SessionEffect =
  | { readonly type: "begin"; readonly lease: Lease }
  /** Abandon the lease; its outcome is not reported any more. */
  | { readonly type: "drop"; readonly leaseId: number }
  | { readonly type: "report"; readonly report: NonNullable<WorkerReport["report"]> }
  /** Send a heartbeat of this number. */
  | { readonly type: "heartbeat"; readonly sequence: number }
  | { readonly type: "end"; readonly end: SessionEnd };

export interface SessionAdvance {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
  /** Why, for the log; null: nothing worth a line. */
  readonly reason: string | null;
}

export function openSessionState(settings: SessionSettings, nowMs: number): SessionState {
  return { settings, phase: "attending", leases: new Set(), heartbeats: 0, lastHeardMs: nowMs, lastTickMs: nowMs };
}

export function advanceSession(state: SessionState, event: SessionEvent, nowMs: number): SessionAdvance {
  if (state.phase === "over") return unchanged(state);
  switch (event.type) {
    case "lease":
      return takeLease(heardNow(state, nowMs), event.lease, event.problem);
    case "lease-revoked":
      return revoke(heardNow(state, nowMs), event.leaseId, event.reason);
    case "heartbeat-ack":
      return unchanged(heardNow(state, nowMs));
    case "finish": {
      const { completed, mayGoOn } = event;
      // A bare `SIGTERM` would read as if this worker had been signalled.
      const reason = completed ? event.reason : `the coordinator stopped: ${event.reason}`;
      return end(state, { kind: "finished", completed, mayGoOn, reason });
    }
    case "lease-closed":
      return close(state, event.leaseId, []);
    case "lease-failed":
      return close(state, event.leaseId, [failed(event.leaseId, event.reason)]);
    case "lost":
      return lose(state, event.reason);
    case "stop":
      return stop(state, event.reason);
    case "drain-timeout":
      return abandon(state);
    case "tick":
      return tick(state, nowMs);
    default:
      return unknownEvent(event);
  }
}

function takeLease(state: SessionState, lease: Lease, problem: string | null): SessionAdvance {
  const { leaseId } = lease;
  if (state.leases.has(leaseId)) {
    return { state, effects: [], reason: `lease ${leaseId} came twice; its first coming counts` };
  }
  // Granted before the coordinator heard of the draining, or for a plan that is not ours.
  const refusal = state.phase === "draining" ? "the worker is leaving" : problem;
  if (refusal !== null) {
    return { state, effects: [failed(leaseId, refusal)], reason: `lease ${leaseId} is not taken: ${refusal}` };
  }
  const leases = new Set(state.leases).add(leaseId);
  return { state: { ...state, leases }, effects: [{ type: "begin", lease }], reason: null };
}

function revoke(state: SessionState, leaseId: number, why: string): SessionAdvance {
  // It may have crossed with the answer to its sum.
  if (!state.leases.has(leaseId)) return unchanged(state);
  const closed = close(state, leaseId, [{ type: "drop", leaseId }]);
  return { ...closed, reason: closed.reason ?? `lease ${leaseId} was revoked: ${why}` };
}

function close(state: SessionState, leaseId: number, effects: readonly SessionEffect[]): SessionAdvance {
  if (!state.leases.has(leaseId)) return unchanged(state);
  const leases = new Set(state.leases);
  leases.delete(leaseId);
  const next = { ...state, leases };
  if (state.phase !== "draining" || leases.size > 0) return { state: next, effects, reason: null };
  return end(next, { kind: "drained", reason: "finished the leases that it held" }, effects);
}

function stop(state: SessionState, why: string): SessionAdvance {
  if (state.phase !== "attending") return unchanged(state);
  const report: SessionEffect = { type: "report", report: { $case: "draining", value: { reason: why } } };
  const next: SessionState = { ...state, phase: "draining" };
  if (state.leases.size === 0) return end(next, { kind: "drained", reason: why }, [report]);
  return { state: next, effects: [report], reason: `${why}: finishing ${state.leases.size} leases` };
}

function abandon(state: SessionState): SessionAdvance {
  if (state.phase !== "draining") return unchanged(state);
  const reports = [...state.leases].map((leaseId) => failed(leaseId, "the worker had to leave"));
  return end(state, { kind: "drained", reason: `gave back ${state.leases.size} leases that took too long` }, reports);
}

function lose(state: SessionState, why: string): SessionAdvance {
  // Who is leaving does not come back for leases that somebody else has by now.
  return end(state, state.phase === "draining" ? { kind: "drained", reason: why } : { kind: "lost", reason: why });
}

function tick(state: SessionState, nowMs: number): SessionAdvance {
  const { silenceTimeoutMs } = state.settings;
  const sinceTickMs = nowMs - state.lastTickMs;
  // A jump is this process' own pause (a stopped process, a suspended machine): what it was told waits unread.
  const lastHeardMs = state.lastHeardMs + (sinceTickMs > silenceTimeoutMs / 2 ? sinceTickMs : 0);
  const sequence = state.heartbeats + 1;
  const next = { ...state, lastHeardMs, lastTickMs: nowMs, heartbeats: sequence };
  if (nowMs - lastHeardMs > silenceTimeoutMs) {
    return lose(next, `the coordinator was silent for ${(nowMs - lastHeardMs) / 1000} s`);
  }
  return { state: next, effects: [{ type: "heartbeat", sequence }], reason: null };
}

function end(state: SessionState, how: SessionEnd, before: readonly SessionEffect[] = []): SessionAdvance {
  const drops = [...state.leases].map((leaseId): SessionEffect => ({ type: "drop", leaseId }));
  return {
    state: { ...state, phase: "over", leases: new Set() },
    effects: [...before, ...drops, { type: "end", end: how }],
    reason: how.reason,
  };
}

function failed(leaseId: number, reason: string): SessionEffect {
  return { type: "report", report: { $case: "leaseFailed", value: { leaseId, reason } } };
}

function heardNow(state: SessionState, nowMs: number): SessionState {
  return { ...state, lastHeardMs: nowMs };
}

function unchanged(state: SessionState): SessionAdvance {
  return { state, effects: [], reason: null };
}

function unknownEvent(event: never): never {
  throw new Error(`unknown session event ${JSON.stringify(event)}`);
}
