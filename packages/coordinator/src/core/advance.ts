// Applies one event to the core's state: `advance` returns the new state, the effects for the conductor to carry out,
// and the reason for the state. Pure: the given state is not changed.
import { type Draft, draftOf } from "./draft.js";
import type { CoreEvent, Effect } from "./event.js";
import { backUpLateLeases, dropLeases, forgetLease, grantLeases, settleLease } from "./leasing.js";
import { drain, join, noteHeartbeat, openSession, removeMember, removeSilentMembers } from "./membership.js";
import { abandonWhenOverdue, closePassWhenDone, committed, concluded, fail, openNext, requestStop } from "./passes.js";
import { type CoreState, describeState, memberOf, openPass } from "./state.js";

export interface Advanced {
  readonly state: CoreState;
  readonly effects: readonly Effect[];
  /** Why the run is in its state: one line for users. It is logged when it changes. */
  readonly reason: string;
}

/** @param nowMs time of a monotonic clock in milliseconds; only differences are used */
export function advance(before: CoreState, event: CoreEvent, nowMs: number): Advanced {
  const draft = draftOf(before, nowMs);
  const { state } = draft;
  apply(draft, event);
  grantLeases(draft);
  return { state, effects: draft.effects, reason: describeState(state).reason };
}

function apply(draft: Draft, event: CoreEvent): void {
  const { state, nowMs } = draft;
  switch (event.type) {
    case "opened":
      state.weightsDigest = event.weightsDigest;
      openNext(draft);
      return;
    case "join":
      join(draft, event.claim, event.sessionId);
      return;
    case "session-opened":
      openSession(draft, event.sessionId);
      return;
    case "session-closed": {
      const member = memberOf(state, event.sessionId);
      if (member !== undefined) removeMember(draft, member, event.reason);
      return;
    }
    case "heartbeat":
      noteHeartbeat(draft, event.sessionId);
      return;
    case "draining":
      drain(draft, event.sessionId);
      return;
    case "lease-failed":
      giveUpLease(draft, event);
      return;
    case "sum-accepted":
      settleLease(draft, event.leaseId);
      closePassWhenDone(draft);
      return;
    case "sum-refused":
      forgetLease(draft, event.leaseId);
      return;
    case "sum-not-finite": {
      const lease = openPass(state)?.leases.find(({ leaseId }) => leaseId === event.leaseId);
      const where = `step ${state.position.step}, micro-batch ${event.microBatch}`;
      const who = lease === undefined ? "a worker" : `slot ${lease.slot}`;
      fail(draft, `${where}: ${who} computed a NaN or an infinity; lower the learning rate or clip the gradient`);
      return;
    }
    case "committed":
      committed(draft, event.weightsDigest);
      return;
    case "broken":
      fail(draft, event.message);
      return;
    case "concluded":
      concluded(draft, event.validationLoss);
      return;
    case "stop":
      requestStop(draft, event);
      return;
    case "tick":
      removeSilentMembers(draft);
      abandonWhenOverdue(draft);
      state.lastTickMs = nowMs;
      backUpLateLeases(draft);
      return;
    default:
      unknownEvent(event);
  }
}

/** A single failure may not repeat. After this many failed leases in one pass, the next ones would fail, too. */
const maxFailedLeases = 10;

function giveUpLease(draft: Draft, event: Extract<CoreEvent, { type: "lease-failed" }>): void {
  const { leaseId, sessionId, reason } = event;
  const pass = openPass(draft.state);
  const slot = memberOf(draft.state, sessionId)?.slot;
  const dropped = dropLeases(draft, (lease) => lease.leaseId === leaseId && lease.sessionId === sessionId, reason);
  if (pass === null || slot === undefined || dropped === 0) return;
  pass.failedSlots.push(slot);
  if (pass.failedSlots.length < maxFailedLeases) return;
  fail(draft, `step ${pass.step}: ${maxFailedLeases} leases failed, the last on slot ${slot}: ${reason}`);
}

function unknownEvent(event: never): never {
  throw new Error(`unknown event ${JSON.stringify(event)}`);
}
