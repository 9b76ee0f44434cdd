// Owns the one step of the core: an event and the time make a new state, effects for the shell, and the reason why the
// run is where it is. Pure: the state given is not changed.
import { draftOf } from "./draft.js";
import type { CoreEvent, Effect } from "./event.js";
import { backUpLateLeases, dropLeases, forgetLease, grantLeases, settleLease } from "./leasing.js";
import { drain, heard, join, lose, loseSilent, openSession } from "./membership.js";
import { abandonWhenOverdue, closePassWhenDone, committed, concluded, fail, openNext, requestStop } from "./passes.js";
import { type CoreState, describeState, memberOf, openPass } from "./state.js";

export interface Advanced {
  readonly state: CoreState;
  readonly effects: readonly Effect[];
  /** Why the run is in its state, one line for people; worth logging when it changes. */
  readonly reason: string;
}

/** `nowMs` is a monotonic clock's time in milliseconds; only differences count. */
export function advance(before: CoreState, event: CoreEvent, nowMs: number): Advanced {
  const draft = draftOf(before, nowMs);
  const { state } = draft;
  apply(event);
  grantLeases(draft);
  return { state, effects: draft.effects, reason: describeState(state).reason };

  function apply(event: CoreEvent): void {
    switch (event.type) {
      case "opened":
        state.weightsDigest = event.weightsDigest;
        return openNext(draft);
      case "join":
        return join(draft, event.claim, event.sessionId);
      case "session-opened":
        return openSession(draft, event.sessionId);
      case "session-closed": {
        const member = memberOf(state, event.sessionId);
        if (member !== undefined) lose(draft, member, event.reason);
        return;
      }
      case "heartbeat":
        return heard(draft, event.sessionId);
      case "draining":
        return drain(draft, event.sessionId);
      case "lease-failed": {
        const { leaseId, sessionId, reason } = event;
        dropLeases(draft, (lease) => lease.leaseId === leaseId && lease.sessionId === sessionId, reason);
        return;
      }
      case "sum-accepted":
        settleLease(draft, event.leaseId);
        return closePassWhenDone(draft);
      case "sum-refused":
        return forgetLease(draft, event.leaseId);
      case "sum-not-finite": {
        const lease = openPass(state)?.leases.find(({ leaseId }) => leaseId === event.leaseId);
        const where = `step ${state.position.step}, micro-batch ${event.microBatch}`;
        const who = lease === undefined ? "a worker" : `slot ${lease.slot}`;
        return fail(
          draft,
          `${where}: ${who} computed a NaN or an infinity; lower the learning rate or clip the gradient`,
        );
      }
      case "committed":
        return committed(draft, event.weightsDigest);
      case "broken":
        return fail(draft, event.message);
      case "concluded":
        return concluded(draft);
      case "stop":
        return requestStop(draft, event.reason);
      case "tick":
        loseSilent(draft);
        abandonWhenOverdue(draft);
        state.lastTickMs = nowMs;
        return backUpLateLeases(draft);
      default:
        return unknownEvent(event);
    }
  }
}

function unknownEvent(event: never): never {
  throw new Error(`unknown event ${JSON.stringify(event)}`);
}
