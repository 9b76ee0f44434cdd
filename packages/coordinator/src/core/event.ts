// Owns what can happen to a run, as the shell tells the core. Every event is plain data.
import type { WireErrorCode } from "@lockstep/protocol";
import type { PassKind } from "./run-plan.js";

/** What a worker shows when it joins; fields as in JoinRequest of the wire contract. */
export interface JoinClaim {
  readonly protocolVersion: number;
  readonly runSpecSha256: string;
  readonly datasetFingerprint: string;
  readonly pixelsSha256: string;
  readonly numericsJson: string;
  readonly layoutSha256: string;
  /** -1: any free one. */
  readonly wantedSlot: number;
  readonly instanceId: string;
  readonly computeThreads: number;
  readonly host: string;
}

export type CoreEvent =
  /** The shell is ready: its weights stand at the state's position. */
  | { readonly type: "opened"; readonly weightsDigest: string }
  /** A worker asks to join. `sessionId` is drawn by the shell and used when the worker is admitted. */
  | { readonly type: "join"; readonly claim: JoinClaim; readonly sessionId: string }
  /** The worker's session stream stands. */
  | { readonly type: "session-opened"; readonly sessionId: string }
  | { readonly type: "session-closed"; readonly sessionId: string; readonly reason: string }
  /** Any sign of life. */
  | { readonly type: "heartbeat"; readonly sessionId: string }
  | { readonly type: "draining"; readonly sessionId: string; readonly reason: string }
  /** The worker gave a lease up, or its upload broke. */
  | { readonly type: "lease-failed"; readonly sessionId: string; readonly leaseId: number; readonly reason: string }
  /** The sum of a lease went into the tree: exactly once for each micro-batch. */
  | { readonly type: "sum-accepted"; readonly leaseId: number }
  /** The tree had the node, an ancestor or a descendant already. */
  | { readonly type: "sum-refused"; readonly leaseId: number; readonly reason: string }
  /** A contribution holds a NaN or an infinity. */
  | { readonly type: "sum-not-finite"; readonly leaseId: number; readonly microBatch: number }
  /** The optimizer's update was applied; the digest is of the new weights. */
  | { readonly type: "committed"; readonly weightsDigest: string }
  /** The update or a checkpoint cannot be made; the run cannot go on. */
  | { readonly type: "broken"; readonly message: string }
  /** The epoch's metrics were computed and recorded; the loss is null without validation samples. */
  | { readonly type: "concluded"; readonly validationLoss: number | null }
  /** `mayGoOn`: the process was told to end, and the run may be resumed. False: a person ended the run. */
  | { readonly type: "stop"; readonly reason: string; readonly mayGoOn: boolean }
  /** The clock moved. The shell sends it several times a second. */
  | { readonly type: "tick" };

/** What the core asks the shell to do, in order. */
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
      /** True when its fingerprint differs from the run's reference and that was allowed. */
      readonly mixed: boolean;
    }
  | { readonly type: "refuse"; readonly code: WireErrorCode; readonly message: string }
  /** The session is over: end its stream, forget it. */
  | {
      readonly type: "worker-lost";
      readonly sessionId: string;
      readonly slot: number;
      readonly generation: number;
      readonly reason: string;
      readonly leasesLost: number;
      /** It had said goodbye. */
      readonly left: boolean;
    }
  /** Make an empty sum tree; leases follow. */
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
  /** For observers: these micro-batches are computed once more. */
  | {
      readonly type: "lease-redone";
      readonly pass: PassKind;
      readonly step: number;
      readonly first: number;
      readonly count: number;
      readonly slot: number;
      readonly reason: string;
    }
  /** Apply the update; answer with `committed` or `broken`. */
  | { readonly type: "commit"; readonly step: number; readonly epoch: number; readonly firstLeaseAtMs: number }
  /** Evaluate the epoch's metrics from the validation pass' sums (null: no validation samples); answer `concluded`. */
  | {
      readonly type: "conclude-epoch";
      readonly epoch: number;
      readonly step: number;
      readonly validated: { readonly openedAtMs: number } | null;
    }
  /** Drop the pass' sums. */
  | { readonly type: "abandon-pass"; readonly reason: string }
  /** Copy weights, optimizer and epoch sums, and write them off the step path. */
  | { readonly type: "snapshot"; readonly why: "cadence" | "validation" | "stop" | "failure" }
  /** Tell every session to leave, wait for snapshots under way, close. */
  | { readonly type: "end"; readonly outcome: Outcome };

export type Outcome =
  | { readonly kind: "completed"; readonly reason: string }
  | { readonly kind: "stopped"; readonly reason: string; readonly mayGoOn: boolean }
  | { readonly kind: "failed"; readonly message: string };

/** Whether a later process may resume the run, so that workers are needed again. */
export function mayGoOnAfter(outcome: Outcome): boolean {
  return outcome.kind === "failed" || (outcome.kind === "stopped" && outcome.mayGoOn);
}
