// Declares the core's state, `CoreState`: plain data that `createState` creates and only `advance` changes.
import type { TreeNode } from "@lockstep/numerics";
import type { EarlyStop } from "./early-stop.js";
import type { Outcome } from "./event.js";
import type { PassKind, PassShape, Position, RunPlan } from "./run-plan.js";

export interface LateRule {
  /** A lease is late after `factor` times its expected duration ... */
  readonly factor: number;
  /** ... but not before this many milliseconds ... */
  readonly floorMs: number;
  /** ... or this many while its worker has not been measured: the first lease includes the warm-up of its engine. */
  readonly unmeasuredFloorMs: number;
}

export interface CoreSettings {
  readonly protocolVersion: number;
  readonly coordinatorGeneration: number;
  readonly runSpecSha256: string;
  readonly datasetFingerprint: string;
  readonly layoutSha256: string;
  readonly plan: RunPlan;
  /** Null: every epoch is trained. */
  readonly earlyStop: EarlyStop | null;
  /** Number of metric sums of a pass. */
  readonly numSums: number;
  /** Steps between checkpoints. Null: checkpoints are written only after validations, at a stop and at the end. */
  readonly checkpointEvery: number | null;
  /** The run stops after this number of updates, counted from step 0. Null: no limit. */
  readonly maxSteps: number | null;
  readonly heartbeatTimeoutMs: number;
  /** The first lease of this generation waits for this number of workers ... */
  readonly expectedWorkers: number;
  /** ... but not longer than this after the first one is ready. */
  readonly gatherMs: number;
  /** A stop waits this long for the current step, then abandons it. */
  readonly stopGraceMs: number;
  readonly allowMixedNumerics: boolean;
  readonly late: LateRule;
  /** Largest number of micro-batches in a validation lease. It limits what is lost with one worker. */
  readonly maxValidationLease: number;
}

/**
 * The numerics and pixels that workers must have: those of the first worker that joined, or those of the checkpoint.
 */
export interface Reference {
  readonly numericsJson: string;
  readonly pixelsSha256: string;
}

/**
 * A slot and the worker process that has it, or had it last. States:
 * joined (Join was answered) -> attending (its session stream is open) -> draining (it takes no more leases) -> gone.
 * From each state a member may become gone. A new process may take the slot of a member that is gone.
 */
export interface Member {
  readonly slot: number;
  /** The backend in its numerics; empty when they name none. */
  backend: string;
  generation: number;
  instanceId: string;
  sessionId: string;
  computeThreads: number;
  host: string;
  status: "joined" | "attending" | "draining" | "gone";
  /** True when the member is gone and was draining before: it left in order and was not lost. */
  left: boolean;
  lastSeenMs: number;
  /** Milliseconds for one round of `computeThreads` micro-batches, smoothed. Null until measured. */
  roundMs: { train: number | null; validate: number | null };
  /** Smoothed over its leases of both kinds. Null until measured. */
  samplesPerSecond: number | null;
}

export interface OpenLease {
  readonly leaseId: number;
  readonly slot: number;
  readonly sessionId: string;
  readonly node: TreeNode;
  readonly grantedAtMs: number;
  /** Null when no worker has been measured yet. */
  readonly expectedMs: number | null;
}

export interface PassState {
  readonly kind: PassKind;
  readonly step: number;
  readonly epoch: number;
  readonly shape: PassShape;
  readonly openedAtMs: number;
  firstLeaseAtMs: number | null;
  /** Leases that workers are computing. A late lease and its backup have the same node. */
  leases: OpenLease[];
  /** Nodes whose sums are in the tree. They are disjoint. */
  done: TreeNode[];
  numDone: number;
  /** The slot of each lease that a worker gave up. */
  failedSlots: number[];
  /** Accepted micro-batches by slot. They are added to the run's counts when the pass is complete. */
  doneBySlot: Map<number, number>;
}

/**
 * opening -> passing -> committing -> passing -> ... -> passing -> concluding -> passing ... -> ended.
 * committing and concluding last until the conductor dispatches the result.
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
  /** Position of the newest snapshot. */
  snapshotAt: Position;
  /** The recorded loss of each completed epoch, null where it is not finite. The early stop is decided by them. */
  validationLosses: readonly (number | null)[];
  weightsDigest: string;
  reference: Reference | null;
  /** True once a worker with other numerics was admitted. The run is not exact then. */
  mixedNumerics: boolean;
  /** In ascending order of slots. Members that are gone stay in the list. */
  members: Member[];
  /** When the first worker was ready; null before that. */
  firstReadyMs: number | null;
  /** True once leases may be granted: the expected workers are attending, or `gatherMs` has passed. */
  gathered: boolean;
  nextLeaseId: number;
  /** Counted over the steps that led to the current position. Checkpoints store it. */
  leasesRedone: number;
  /** Micro-batches of complete passes by slot, training and validation. Each one counts once in the whole run. */
  microBatchesBySlot: Map<number, number>;
  stop: { readonly reason: string; readonly mayGoOn: boolean; readonly atMs: number } | null;
  lastTickMs: number | null;
}

export function createState(options: {
  readonly settings: CoreSettings;
  readonly position: Position;
  readonly reference: Reference | null;
  /** Counters that the checkpoint stores. */
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

/** The member of a session that is not gone. */
export function memberOf(state: CoreState, sessionId: string): Member | undefined {
  return state.members.find((member) => member.status !== "gone" && member.sessionId === sessionId);
}

/** Number of micro-batches of each slot, from slot 0 on. */
export function countsBySlot({ members, microBatchesBySlot }: CoreState): number[] {
  const slots = [...members.map(({ slot }) => slot), ...microBatchesBySlot.keys()];
  return Array.from({ length: 1 + Math.max(-1, ...slots) }, (_, slot) => microBatchesBySlot.get(slot) ?? 0);
}

export function openPass(state: CoreState): PassState | null {
  return state.phase.kind === "passing" ? state.phase.pass : null;
}

export type StateName = "training" | "validating" | "waiting" | "stopping" | "finished";

/** What the run is doing and why, for users. */
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
