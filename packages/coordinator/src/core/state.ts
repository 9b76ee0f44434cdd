// Owns the core's state: plain data, made by createState, changed by advance alone.
import type { TreeNode } from "@lockstep/numerics";
import type { EarlyStop } from "./early-stop.js";
import type { Outcome } from "./event.js";
import type { PassKind, PassShape, Position, RunPlan } from "./run-plan.js";

export interface LateRule {
  /** A lease is late after `factor` times what was expected of it ... */
  readonly factor: number;
  /** ... but never before this many milliseconds ... */
  readonly floorMs: number;
  /** ... nor before this many while its worker has not been measured (its first lease warms up its engine). */
  readonly unmeasuredFloorMs: number;
}

export interface CoreSettings {
  readonly protocolVersion: number;
  readonly coordinatorGeneration: number;
  readonly runSpecSha256: string;
  readonly datasetFingerprint: string;
  readonly layoutSha256: string;
  readonly plan: RunPlan;
  /** Null: the plan is gone through to its end. */
  readonly earlyStop: EarlyStop | null;
  /** Length of a pass' metric sums. */
  readonly numSums: number;
  /** Steps between checkpoints; null: only after validations, at a stop and at the end. */
  readonly checkpointEvery: number | null;
  /** Stop once so many updates were made in all; null: go to the end. */
  readonly maxSteps: number | null;
  readonly heartbeatTimeoutMs: number;
  /** The first lease of this status waits for so many workers ... */
  readonly expectedWorkers: number;
  /** ... but no longer than this after the first of them is here. */
  readonly gatherMs: number;
  /** A stop waits so long for the step under way, then abandons it. */
  readonly stopGraceMs: number;
  readonly allowMixedNumerics: boolean;
  readonly late: LateRule;
  /** A validation lease covers at most so many micro-batches: what one lost worker costs. */
  readonly maxValidationLease: number;
}

/** What the run's bits were made with: the first joiner's, or the checkpoint's. */
export interface Reference {
  readonly numericsJson: string;
  readonly pixelsSha256: string;
}

/**
 * One slot and its present or last status.
 * joined (Join answered) -> attending (session stream stands) -> draining (asks for no more leases) -> gone;
 * from each of them to gone. A gone slot may be taken by a new status.
 */
export interface Member {
  readonly slot: number;
  /** By its numerics; empty when these name none. */
  backend: string;
  generation: number;
  instanceId: string;
  sessionId: string;
  computeThreads: number;
  host: string;
  status: "joined" | "attending" | "draining" | "gone";
  /** Gone after it had said goodbye (it was draining), and not lost. */
  left: boolean;
  lastSeenMs: number;
  /** Milliseconds for one round of `computeThreads` micro-batches, smoothed; null until measured. */
  roundMs: { train: number | null; validate: number | null };
  /** Over the last leases of either kind; null until measured. */
  samplesPerSecond: number | null;
}

export interface OpenLease {
  readonly leaseId: number;
  readonly slot: number;
  readonly sessionId: string;
  readonly node: TreeNode;
  readonly grantedAtMs: number;
  /** Null when nobody has been measured yet. */
  readonly expectedMs: number | null;
}

export interface PassState {
  readonly kind: PassKind;
  readonly step: number;
  readonly epoch: number;
  readonly shape: PassShape;
  readonly openedAtMs: number;
  firstLeaseAtMs: number | null;
  /** Leases that somebody is computing. A late one and its backup cover the same node. */
  leases: OpenLease[];
  /** Nodes whose sums are in the tree; disjoint. */
  done: TreeNode[];
  numDone: number;
  /** One entry for each lease that a worker gave up, by slot. */
  failedSlots: number[];
  /** Accepted micro-batches by slot; they count for the run once the pass is complete. */
  doneBySlot: Map<number, number>;
}

/**
 * opening -> passing -> committing -> passing -> ... -> passing -> concluding -> passing ... -> ended.
 * committing and concluding last until the shell's answer.
 */
export type Phase =
  | { readonly kind: "opening" }
  | { readonly kind: "passing"; readonly pass: PassState }
  | { readonly kind: "committing" }
  | { readonly kind: "concluding" }
  | { readonly kind: "ended"; readonly outcome: Outcome };

export interface CoreState {
  readonly settings: CoreSettings;
  phase: Phase;
  position: Position;
  /** Position of the newest snapshot taken. */
  snapshotAt: Position;
  /** Of every epoch that is over, as recorded: what an early stop is decided by. Null: no number came out. */
  validationLosses: readonly (number | null)[];
  weightsDigest: string;
  reference: Reference | null;
  /** True once a worker with another fingerprint was admitted: the run is not exact. */
  mixedNumerics: boolean;
  /** By slot, ascending; never removed. */
  members: Member[];
  /** When the first worker was ready; null: none yet. */
  firstReadyMs: number | null;
  /** True once leases may be given: the expected workers are here, or were waited for long enough. */
  gathered: boolean;
  nextLeaseId: number;
  /** Of the whole run, as far as it led to the present position: carried over by checkpoints. */
  leasesRedone: number;
  /** Micro-batches of complete passes by slot, training and validation: each counts once in the whole run. */
  microBatchesBySlot: Map<number, number>;
  stop: { readonly reason: string; readonly mayGoOn: boolean; readonly atMs: number } | null;
  lastTickMs: number | null;
}

export function createState(options: {
  readonly settings: CoreSettings;
  readonly position: Position;
  readonly reference: Reference | null;
  /** Counters of the lives before. */
  readonly carried?: {
    readonly leasesRedone: number;
    readonly microBatchesBySlot: ReadonlyMap<number, number>;
    readonly mixedNumerics: boolean;
    readonly validationLosses: readonly (number | null)[];
  };
}): CoreState {
  return {
    settings: options.settings,
    phase: { kind: "opening" },
    position: options.position,
    snapshotAt: options.position,
    validationLosses: options.carried?.validationLosses ?? [],
    weightsDigest: "",
    reference: options.reference,
    mixedNumerics: options.carried?.mixedNumerics ?? false,
    members: [],
    firstReadyMs: null,
    gathered: false,
    nextLeaseId: 1,
    leasesRedone: options.carried?.leasesRedone ?? 0,
    microBatchesBySlot: new Map(options.carried?.microBatchesBySlot),
    stop: null,
    lastTickMs: null,
  };
}

/** A copy that may be changed without changing the original. */
export function copyState(state: CoreState): CoreState {
  return {
    ...state,
    phase: state.phase.kind === "passing" ? { kind: "passing", pass: copyPass(state.phase.pass) } : state.phase,
    members: state.members.map((member) => ({ ...member, roundMs: { ...member.roundMs } })),
    microBatchesBySlot: new Map(state.microBatchesBySlot),
  };
}

function copyPass(pass: PassState): PassState {
  return {
    ...pass,
    leases: [...pass.leases],
    done: [...pass.done],
    doneBySlot: new Map(pass.doneBySlot),
    failedSlots: [...pass.failedSlots],
  };
}

/** The living member of a session. */
export function memberOf(state: CoreState, sessionId: string): Member | undefined {
  return state.members.find((member) => member.status !== "gone" && member.sessionId === sessionId);
}

/** Micro-batches by slot, from slot 0 on. */
export function countsBySlot({ members, microBatchesBySlot }: CoreState): number[] {
  const slots = [...members.map(({ slot }) => slot), ...microBatchesBySlot.keys()];
  return Array.from({ length: 1 + Math.max(-1, ...slots) }, (_, slot) => microBatchesBySlot.get(slot) ?? 0);
}

export function openPass(state: CoreState): PassState | null {
  return state.phase.kind === "passing" ? state.phase.pass : null;
}

export type StateName = "training" | "validating" | "waiting" | "stopping" | "finished";

/** What the run is doing and why, for people. */
export function describeState(state: CoreState): { readonly name: StateName; readonly reason: string } {
  const { phase, stop, position, settings } = state;
  if (phase.kind === "ended") {
    const { outcome } = phase;
    if (outcome.kind === "completed") return { name: "finished", reason: outcome.reason };
    return { name: "finished", reason: outcome.kind === "stopped" ? `stopped: ${outcome.reason}` : outcome.message };
  }
  if (stop !== null) return { name: "stopping", reason: stop.reason };
  if (phase.kind === "opening") return { name: "waiting", reason: "opening" };
  if (!state.members.some((member) => member.status === "attending" || member.status === "draining")) {
    return { name: "waiting", reason: "waiting for a worker" };
  }
  if (!state.gathered) {
    return { name: "waiting", reason: `waiting for ${settings.expectedWorkers} workers to begin together` };
  }
  const validating = position.stepInEpoch === state.settings.plan.stepsPerEpoch;
  return validating
    ? { name: "validating", reason: `validating after epoch ${position.epoch}` }
    : { name: "training", reason: `training epoch ${position.epoch}` };
}
