// advanceSession() decides what a worker does in one session with the coordinator: which leases it holds, which reports
// it sends, and when and why the session ends. Pure: (state, event) -> (state, effects, reason). session.ts carries the
// effects out.
import type { Lease, WorkerReport } from "@lockstep/protocol";

/**
 *   attending  takes and computes leases        -> draining (stop), over (finish, lost)
 *   draining   finishes the leases that it has  -> over (no lease left, drain timeout, finish, lost)
 *   over       ignores all events
 */
export type SessionPhase = "attending" | "draining" | "over";

export interface SessionSettings {
  /** The coordinator is lost when no message of it was received for this long, milliseconds. */
  readonly silenceTimeoutMs: number;
}

export interface SessionState {
  readonly settings: SessionSettings;
  readonly phase: SessionPhase;
  /** Ids of the leases that the worker holds: it fetches their weights, computes them or uploads their sums. */
  readonly leases: ReadonlySet<number>;
  /** Number of heartbeats sent. */
  readonly heartbeats: number;
  readonly lastMessageMs: number;
  readonly lastTickMs: number;
}

export type SessionEnd =
  /** The coordinator ended the session: the run is over (`completed`), or the coordinator stops. */
  | { readonly kind: "finished"; readonly completed: boolean; readonly mayGoOn: boolean; readonly reason: string }
  /** The worker was stopped, and has finished its leases or given them back. */
  | { readonly kind: "drained"; readonly reason: string }
  /** The coordinator cannot be reached, or does not have this session any more: join again. */
  | { readonly kind: "lost"; readonly reason: string };

export type SessionEvent =
  /** `problem`: why the worker cannot compute the lease; null if it can. */
  | { readonly type: "lease"; readonly lease: Lease; readonly problem: string | null }
  | { readonly type: "lease-revoked"; readonly leaseId: number; readonly reason: string }
  | { readonly type: "heartbeat-ack" }
  | { readonly type: "finish"; readonly completed: boolean; readonly mayGoOn: boolean; readonly reason: string }
  /** The coordinator has accepted the lease's sum, or does not need it any more. */
  | { readonly type: "lease-closed"; readonly leaseId: number }
  /** The worker could not compute the lease. */
  | { readonly type: "lease-failed"; readonly leaseId: number; readonly reason: string }
  | { readonly type: "lost"; readonly reason: string }
  | { readonly type: "stop"; readonly reason: string }
  | { readonly type: "drain-timeout" }
  /** Occurs once in each heartbeat interval. */
  | { readonly type: "tick" };

export type SessionEffect =
  | { readonly type: "begin"; readonly lease: Lease }
  /** Abort the lease; its outcome is not reported. */
  | { readonly type: "drop"; readonly leaseId: number }
  | { readonly type: "report"; readonly report: NonNullable<WorkerReport["report"]> }
  /** Send a heartbeat of this number. */
  | { readonly type: "heartbeat"; readonly sequence: number }
  | { readonly type: "end"; readonly end: SessionEnd };

export interface SessionAdvance {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
  /** Why, for the log; null when nothing needs to be logged. */
  readonly reason: string | null;
}

export function openSessionState(settings: SessionSettings, nowMs: number): SessionState {
  return { settings, phase: "attending", leases: new Set(), heartbeats: 0, lastMessageMs: nowMs, lastTickMs: nowMs };
}

export function advanceSession(state: SessionState, event: SessionEvent, nowMs: number): SessionAdvance {
  if (state.phase === "over") return unchanged(state);
  switch (event.type) {
    case "lease":
      return takeLease(withMessageAt(state, nowMs), event.lease, event.problem);
    case "lease-revoked":
      return revoke(withMessageAt(state, nowMs), event.leaseId, event.reason);
    case "heartbeat-ack":
      return unchanged(withMessageAt(state, nowMs));
    case "finish": {
      const { completed, mayGoOn } = event;
      // The reason `SIGTERM` alone would read as if this worker had received the signal.
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
    return { state, effects: [], reason: `lease ${leaseId} was received twice; the second message is ignored` };
  }
  // The coordinator may have granted the lease before it received the draining report.
  const refusal = state.phase === "draining" ? "the worker is leaving" : problem;
  if (refusal !== null) {
    return { state, effects: [failed(leaseId, refusal)], reason: `lease ${leaseId} was refused: ${refusal}` };
  }
  const leases = new Set(state.leases).add(leaseId);
  return { state: { ...state, leases }, effects: [{ type: "begin", lease }], reason: null };
}

function revoke(state: SessionState, leaseId: number, why: string): SessionAdvance {
  // The coordinator may have sent the revocation before it received the lease's sum.
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
  return end(next, { kind: "drained", reason: "finished all leases" }, effects);
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
  const reports = [...state.leases].map((leaseId) => failed(leaseId, "the worker left before the lease was finished"));
  return end(
    state,
    { kind: "drained", reason: `gave back ${state.leases.size} leases that were not finished in time` },
    reports,
  );
}

function lose(state: SessionState, why: string): SessionAdvance {
  // A draining worker does not join again: other workers have its leases now.
  return end(state, state.phase === "draining" ? { kind: "drained", reason: why } : { kind: "lost", reason: why });
}

function tick(state: SessionState, nowMs: number): SessionAdvance {
  const { silenceTimeoutMs } = state.settings;
  const sinceTickMs = nowMs - state.lastTickMs;
  // A long time between two ticks means that this process itself was paused (a stopped process, a suspended machine).
  // Messages that came during the pause are not read yet.
  const lastMessageMs = state.lastMessageMs + (sinceTickMs > silenceTimeoutMs / 2 ? sinceTickMs : 0);
  const sequence = state.heartbeats + 1;
  const next = { ...state, lastMessageMs, lastTickMs: nowMs, heartbeats: sequence };
  if (nowMs - lastMessageMs > silenceTimeoutMs) {
    return lose(next, `no message from the coordinator for ${(nowMs - lastMessageMs) / 1000} s`);
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

function withMessageAt(state: SessionState, nowMs: number): SessionState {
  return { ...state, lastMessageMs: nowMs };
}

function unchanged(state: SessionState): SessionAdvance {
  return { state, effects: [], reason: null };
}

function unknownEvent(event: never): never {
  throw new Error(`unknown session event ${JSON.stringify(event)}`);
}
