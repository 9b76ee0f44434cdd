// Declares the core's input and output: `CoreEvent` is what can happen to a run, `Effect` is what the conductor then
// does. Both are plain data.
import type { WireErrorCode } from "@lockstep/protocol";
import type { PassKind } from "./run-plan.js";

/** What a worker sends when it joins. The fields are those of JoinRequest in the wire contract. */
export interface JoinClaim {
  readonly protocolVersion: number;
  readonly runSpecSha256: string;
  readonly datasetFingerprint: string;
  readonly pixelsSha256: string;
  readonly numericsJson: string;
  readonly layoutSha256: string;
  /** -1: any free slot. */
  readonly wantedSlot: number;
  readonly instanceId: string;
  readonly computeThreads: number;
  readonly host: string;
}

export type CoreEvent =
  /** The conductor has loaded the weights of the state's position. */
  | { readonly type: "opened"; readonly weightsDigest: string }
  /** A worker asks to join. The conductor draws `sessionId`; it is used if the worker is admitted. */
  | { readonly type: "join"; readonly claim: JoinClaim; readonly sessionId: string }
  /** The worker has opened its session stream. */
  | { readonly type: "session-opened"; readonly sessionId: string }
  | { readonly type: "session-closed"; readonly sessionId: string; readonly reason: string }
  /** The worker sent a report of any kind. */
  | { readonly type: "heartbeat"; readonly sessionId: string }
  | { readonly type: "draining"; readonly sessionId: string; readonly reason: string }
  /** The worker gave up a lease, or its upload broke and was not sent again. */
  | { readonly type: "lease-failed"; readonly sessionId: string; readonly leaseId: number; readonly reason: string }
  /** The sum of a lease was added to the tree. Each micro-batch is added exactly once. */
  | { readonly type: "sum-accepted"; readonly leaseId: number }
  /** The tree already had the node, an ancestor or a descendant of it. */
  | { readonly type: "sum-refused"; readonly leaseId: number; readonly reason: string }
  /** A worker's result holds a NaN or an infinity. */
  | { readonly type: "sum-not-finite"; readonly leaseId: number; readonly microBatch: number }
  /** The optimizer's update was applied. The digest is that of the new weights. */
  | { readonly type: "committed"; readonly weightsDigest: string }
  /** An update or a checkpoint failed, so the run cannot go on. */
  | { readonly type: "broken"; readonly message: string }
  /** The epoch's metrics were computed and recorded. The loss is null without validation samples. */
  | { readonly type: "concluded"; readonly validationLoss: number | null }
  /** `mayGoOn` is true when the process received a signal to end, and false when an operator ended the run. */
  | { readonly type: "stop"; readonly reason: string; readonly mayGoOn: boolean }
  /** Time has passed. The conductor receives it several times a second. */
  | { readonly type: "tick" };

/** What the conductor has to do, in this order. */
export type Effect =
  /** Answers a join. */
  | {
      readonly type: "admit";
      readonly sessionId: string;
      readonly slot: number;
      readonly generation: number;
      readonly host: string;
      readonly computeThreads: number;
      readonly backend: string;
      /** True when the worker's numerics differ from the run's reference, which a setting allows. */
      readonly mixed: boolean;
    }
  | { readonly type: "refuse"; readonly code: WireErrorCode; readonly message: string }
  /** The session is over: end its stream. */
  | {
      readonly type: "worker-lost";
      readonly sessionId: string;
      readonly slot: number;
      readonly generation: number;
      readonly reason: string;
      readonly leasesLost: number;
      /** True when the worker had announced that it leaves, by `draining`. */
      readonly left: boolean;
    }
  /** Create an empty sum tree. Leases follow. */
  | {
      readonly type: "open-pass";
      readonly pass: PassKind;
      readonly step: number;
      readonly epoch: number;
      readonly numMicroBatches: number;
    }
  | {
      readonly type: "lease";
      readonly sessionId: string;
      readonly slot: number;
      readonly leaseId: number;
      readonly pass: PassKind;
      readonly step: number;
      readonly epoch: number;
      readonly numMicroBatches: number;
      readonly first: number;
      readonly count: number;
      readonly weightsDigest: string;
    }
  | { readonly type: "revoke"; readonly sessionId: string; readonly leaseId: number; readonly reason: string }
  /** Report to observers that these micro-batches are computed again. */
  | {
      readonly type: "lease-redone";
      readonly pass: PassKind;
      readonly step: number;
      readonly first: number;
      readonly count: number;
      readonly slot: number;
      readonly reason: string;
    }
  /** Apply the update, then dispatch `committed` or `broken`. */
  | { readonly type: "commit"; readonly step: number; readonly epoch: number; readonly firstLeaseAtMs: number }
  /** Compute the epoch's metrics from the sums of the validation pass, then dispatch `concluded`. */
  | {
      readonly type: "conclude-epoch";
      readonly epoch: number;
      readonly step: number;
      /** Null when the run has no validation samples. */
      readonly validated: { readonly openedAtMs: number } | null;
    }
  /** Drop the pass' sums. */
  | { readonly type: "abandon-pass"; readonly reason: string }
  /** Copy weights, optimizer state and epoch sums, and write them while the training goes on. */
  | { readonly type: "snapshot"; readonly why: "cadence" | "validation" | "stop" | "failure" }
  /** Wait for the last checkpoint, report the end on every session, close. */
  | { readonly type: "end"; readonly outcome: Outcome };

export type Outcome =
  | { readonly kind: "completed"; readonly reason: string }
  | { readonly kind: "stopped"; readonly reason: string; readonly mayGoOn: boolean }
  | { readonly kind: "failed"; readonly message: string };

/** Whether a later process may resume the run, so that workers have to wait for it. */
export function mayGoOnAfter(outcome: Outcome): boolean {
  return outcome.kind === "failed" || (outcome.kind === "stopped" && outcome.mayGoOn);
}
