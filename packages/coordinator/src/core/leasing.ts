// Grants, revokes and repeats the leases of the current pass: `grantLeases` is the main function. A micro-batch is
// outstanding when neither an open lease nor an accepted sum has it. That set is always computed and never stored.
import { childrenOf, type TreeNode } from "@lockstep/numerics";
import type { Draft } from "./draft.js";
import { leaseMs, planLeases } from "./lease-plan.js";
import { samplesOf } from "./run-plan.js";
import { type CoreState, type Member, memberOf, type OpenLease, openPass, type PassState } from "./state.js";

/** Weight of the newest measurement in a worker's smoothed speed. */
const smoothing = 0.4;
/** Time to transfer weights and gradients, as a fraction of a round. A validation lease has no gradients. */
const leaseOverhead = { train: 0.15, validate: 0.03 };

/** Leases outstanding micro-batches to idle workers. */
export function grantLeases(draft: Draft): void {
  const { state, nowMs } = draft;
  const pass = openPass(state);
  if (pass === null || !gather(draft)) return;
  const { numMicroBatches } = pass.shape;
  // A worker that failed a lease of this pass gets another one only if every attending worker has failed one.
  const attending = state.members.filter(({ status }) => status === "attending");
  const notFailed = attending.filter(({ slot }) => !pass.failedSlots.includes(slot));
  const planned = planLeases({
    numMicroBatches,
    outstanding: outstandingNodes(pass),
    workers: (notFailed.length > 0 ? notFailed : attending).map((member) => {
      const { slot, computeThreads } = member;
      const roundMs = roundMsOf(member, pass);
      return { slot, computeThreads, roundMs, busyMs: busyMs(pass, member, nowMs) };
    }),
    leaseOverhead: leaseOverhead[pass.kind],
    maxCount: pass.kind === "train" ? numMicroBatches : state.settings.maxValidationLease,
  });
  for (const { slot, node } of planned) grant(draft, pass, slot, node);
}

/**
 * Whether leases may be granted. The first lease waits for the expected workers, so that workers that are started
 * together also begin together.
 */
function gather({ state, nowMs }: Draft): boolean {
  if (state.gathered) return true;
  const numReady = state.members.filter(({ status }) => status === "attending").length;
  if (numReady === 0) return false;
  state.firstReadyMs ??= nowMs;
  const { expectedWorkers, gatherMs } = state.settings;
  state.gathered = numReady >= expectedWorkers || nowMs - state.firstReadyMs >= gatherMs;
  return state.gathered;
}

/** Leases the node of a late lease to an idle worker, too. The first sum is accepted. */
export function backUpLateLeases(draft: Draft): void {
  const { state, nowMs } = draft;
  const pass = openPass(state);
  if (pass === null) return;
  for (const lease of [...pass.leases]) {
    const newest = pass.leases.findLast(({ node }) => sameNode(node, lease.node));
    const holder = memberOf(state, lease.sessionId);
    if (newest !== lease || holder === undefined || nowMs < lateAtMs(state, pass, lease, holder)) continue;
    const idle = state.members
      .filter((member) => member.status === "attending" && !pass.leases.some((open) => open.slot === member.slot))
      .sort((a, b) => (roundMsOf(a, pass) ?? 0) - (roundMsOf(b, pass) ?? 0) || a.slot - b.slot)[0];
    if (idle === undefined) return;
    const reason = `late: ${Math.round(nowMs - lease.grantedAtMs)} ms, expected ${Math.round(lease.expectedMs ?? 0)} ms`;
    redo(draft, pass, lease, reason);
    grant(draft, pass, idle.slot, lease.node);
  }
}

/** Closes a lease whose sum is in the tree: revokes the leases that overlap it, and measures its worker's speed. */
export function settleLease(draft: Draft, leaseId: number): void {
  const { state, nowMs } = draft;
  const pass = openPass(state);
  const lease = pass?.leases.find((open) => open.leaseId === leaseId);
  if (pass === null || lease === undefined) {
    throw new Error(`lease ${leaseId}: its sum was accepted, and it is not open`);
  }
  pass.leases = pass.leases.filter((open) => open !== lease);
  pass.done.push(lease.node);
  pass.numDone += lease.node.count;
  pass.doneBySlot.set(lease.slot, (pass.doneBySlot.get(lease.slot) ?? 0) + lease.node.count);
  const member = memberOf(state, lease.sessionId);
  if (member !== undefined) measure(member, pass, lease, nowMs - lease.grantedAtMs);
  for (const other of pass.leases.filter(({ node }) => overlap(node, lease.node))) {
    const holder = memberOf(state, other.sessionId);
    const elapsedMs = nowMs - other.grantedAtMs;
    // This worker takes at least `elapsedMs`. With that as its measurement, the next plan gives it less.
    if (holder !== undefined && elapsedMs > (other.expectedMs ?? 0)) measure(holder, pass, other, elapsedMs);
    revoke(draft, pass, other, `slot ${lease.slot} sent its sum first`);
  }
}

/** Closes a lease whose sum the tree refused, because another worker's sum was there. */
export function forgetLease(draft: Draft, leaseId: number): void {
  const pass = openPass(draft.state);
  if (pass !== null) pass.leases = pass.leases.filter((open) => open.leaseId !== leaseId);
}

/** Closes the leases that `which` selects, because their workers cannot finish them. Returns how many it closed. */
export function dropLeases(draft: Draft, which: (lease: OpenLease) => boolean, reason: string): number {
  const pass = openPass(draft.state);
  if (pass === null) return 0;
  const dropped = pass.leases.filter(which);
  pass.leases = pass.leases.filter((lease) => !which(lease));
  for (const lease of dropped) {
    // When another worker has a lease of the same node, the repetition is counted already.
    if (!pass.leases.some(({ node }) => sameNode(node, lease.node))) redo(draft, pass, lease, reason);
  }
  return dropped.length;
}

/** Revokes every lease of the pass. */
export function revokeAll(draft: Draft, reason: string): void {
  const pass = openPass(draft.state);
  if (pass === null) return;
  for (const lease of [...pass.leases]) revoke(draft, pass, lease, reason);
}

/** The largest nodes without a micro-batch of an open lease or an accepted sum, in ascending order. */
export function outstandingNodes(pass: PassState): TreeNode[] {
  const { numMicroBatches } = pass.shape;
  const covered = new Uint8Array(numMicroBatches);
  const mark = ({ first, count }: TreeNode): unknown => covered.fill(1, first, first + count);
  pass.done.forEach(mark);
  for (const { node } of pass.leases) mark(node);
  const collect = (node: TreeNode): TreeNode[] => {
    const taken = covered.subarray(node.first, node.first + node.count);
    if (!taken.includes(1)) return [node];
    return taken.includes(0) ? (childrenOf(node, numMicroBatches) ?? []).flatMap(collect) : [];
  };
  return collect({ first: 0, count: numMicroBatches });
}

function grant(draft: Draft, pass: PassState, slot: number, node: TreeNode): void {
  const { state, nowMs, effects } = draft;
  const member = state.members.find((other) => other.slot === slot);
  if (member === undefined) throw new Error(`slot ${slot}: a lease was planned for it, and no worker has it`);
  const roundMs = roundMsOf(member, pass) ?? meanRoundMs(state, pass);
  const { sessionId } = member;
  const leaseId = state.nextLeaseId++;
  const expectedMs = roundMs === null ? null : leaseMs(member, roundMs, node.count);
  pass.leases.push({ leaseId, slot, sessionId, node, grantedAtMs: nowMs, expectedMs });
  pass.firstLeaseAtMs ??= nowMs;
  effects.push({
    type: "lease",
    sessionId,
    slot,
    leaseId,
    pass: pass.kind,
    step: pass.step,
    epoch: pass.epoch,
    numMicroBatches: pass.shape.numMicroBatches,
    first: node.first,
    count: node.count,
    weightsDigest: state.weightsDigest,
  });
}

function revoke(draft: Draft, pass: PassState, lease: OpenLease, reason: string): void {
  pass.leases = pass.leases.filter((open) => open !== lease);
  draft.effects.push({ type: "revoke", sessionId: lease.sessionId, leaseId: lease.leaseId, reason });
}

function redo(draft: Draft, pass: PassState, lease: OpenLease, reason: string): void {
  draft.state.leasesRedone += 1;
  const { slot, node } = lease;
  const { first, count } = node;
  draft.effects.push({ type: "lease-redone", pass: pass.kind, step: pass.step, first, count, slot, reason });
}

function lateAtMs(state: CoreState, pass: PassState, lease: OpenLease, holder: Member): number {
  const { factor, floorMs, unmeasuredFloorMs } = state.settings.late;
  const floor = holder.roundMs[pass.kind] === null ? unmeasuredFloorMs : floorMs;
  return lease.grantedAtMs + Math.max(floor, factor * (lease.expectedMs ?? 0));
}

/**
 * While no validation round is measured, the training round is its estimate: a validation has only the forward part.
 */
function roundMsOf(member: Member, pass: PassState): number | null {
  return member.roundMs[pass.kind] ?? (pass.kind === "validate" ? member.roundMs.train : null);
}

function meanRoundMs(state: CoreState, pass: PassState): number | null {
  const known = state.members.flatMap((member) => (member.status === "gone" ? [] : (roundMsOf(member, pass) ?? [])));
  return known.length === 0 ? null : known.reduce((sum, ms) => sum + ms, 0) / known.length;
}

function busyMs(pass: PassState, member: Member, nowMs: number): number {
  const held = pass.leases.filter((lease) => lease.slot === member.slot);
  const remaining = held.map(({ expectedMs, grantedAtMs }) => Math.max(1, (expectedMs ?? 0) - (nowMs - grantedAtMs)));
  return remaining.reduce((sum, ms) => sum + ms, 0);
}

function measure(member: Member, pass: PassState, lease: OpenLease, elapsedMs: number): void {
  const roundMs = elapsedMs / Math.ceil(lease.node.count / member.computeThreads);
  const speed = samplesOf(pass.shape, lease.node) / Math.max(elapsedMs / 1000, 1e-6);
  member.roundMs[pass.kind] = smooth(member.roundMs[pass.kind], roundMs);
  member.samplesPerSecond = smooth(member.samplesPerSecond, speed);
}

function smooth(before: number | null, measured: number): number {
  return before === null ? measured : before + smoothing * (measured - before);
}

function sameNode(a: TreeNode, b: TreeNode): boolean {
  return a.first === b.first && a.count === b.count;
}

function overlap(a: TreeNode, b: TreeNode): boolean {
  return a.first < b.first + b.count && b.first < a.first + a.count;
}
