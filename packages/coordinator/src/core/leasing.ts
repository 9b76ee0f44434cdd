// Owns the leases of the pass under way: granting, late ones and their backups, lost ones. A micro-batch that is in no
// open lease and in no accepted sum is outstanding; that set is always derived, never kept.
import { childrenOf, type TreeNode } from "@lockstep/numerics";
import type { Draft } from "./draft.js";
import { leaseMs, planLeases } from "./lease-plan.js";
import { samplesOf } from "./run-plan.js";
import { type CoreState, type Member, memberOf, type OpenLease, openPass, type PassState } from "./state.js";

/** The newest measurement's share in a worker's smoothed speed. */
const smoothing = 0.4;
/** Weights down and gradients up, as a fraction of a round; a validation lease carries no gradients. */
const leaseOverhead = { train: 0.15, validate: 0.03 };

/** Gives idle workers what nobody computes yet. */
export function grantLeases(draft: Draft): void {
  const { state, nowMs } = draft;
  const pass = openPass(state);
  if (pass === null || !gather(draft)) return;
  const { numMicroBatches } = pass.shape;
  // Who has failed a lease of this pass gets another only when nobody is left who has not.
  const attending = state.members.filter(({ status }) => status === "attending");
  const sound = attending.filter(({ slot }) => !pass.failedSlots.includes(slot));
  const planned = planLeases({
    numMicroBatches,
    outstanding: outstandingNodes(pass),
    workers: (sound.length > 0 ? sound : attending).map((member) => {
      const { slot, computeThreads } = member;
      const roundMs = roundMsOf(member, pass);
      return { slot, computeThreads, roundMs, busyMs: busyMs(pass, member, nowMs) };
    }),
    leaseOverhead: leaseOverhead[pass.kind],
    maxCount: pass.kind === "train" ? numMicroBatches : state.settings.maxValidationLease,
  });
  for (const { slot, node } of planned) grant(draft, pass, slot, node);
}

/** Whether leases may be given: so that workers started together begin together, whichever is ready first. */
function gather({ state, nowMs }: Draft): boolean {
  if (state.gathered) return true;
  const numReady = state.members.filter(({ status }) => status === "attending").length;
  if (numReady === 0) return false;
  state.firstReadyMs ??= nowMs;
  const { expectedWorkers, gatherMs } = state.settings;
  state.gathered = numReady >= expectedWorkers || nowMs - state.firstReadyMs >= gatherMs;
  return state.gathered;
}

/** A late lease is computed once more by an idle worker; the first answer wins. */
export function backUpLateLeases(draft: Draft): void {
  const { state, nowMs } = draft;
  const pass = openPass(state);
  if (pass === null) return;
  for (const lease of [...pass.leases]) {
    const youngest = pass.leases.findLast(({ node }) => sameNode(node, lease.node));
    const holder = memberOf(state, lease.sessionId);
    if (youngest !== lease || holder === undefined || nowMs < lateAtMs(state, pass, lease, holder)) continue;
    const idle = state.members
      .filter((member) => member.status === "attending" && !pass.leases.some((open) => open.slot === member.slot))
      .sort((a, b) => (roundMsOf(a, pass) ?? 0) - (roundMsOf(b, pass) ?? 0) || a.slot - b.slot)[0];
    if (idle === undefined) return;
    const reason = `late: ${Math.round(nowMs - lease.grantedAtMs)} ms, expected ${Math.round(lease.expectedMs ?? 0)} ms`;
    redo(draft, pass, lease, reason);
    grant(draft, pass, idle.slot, lease.node);
  }
}

/** The lease's sum is in the tree: other leases that overlap it are void, its worker's speed is known better. */
export function settleLease(draft: Draft, leaseId: number): void {
  const { state, nowMs } = draft;
  const pass = openPass(state);
  const lease = pass?.leases.find((open) => open.leaseId === leaseId);
  if (pass === null || lease === undefined) {
    throw new Error(`lease ${leaseId}: a sum was accepted that no open lease covers`);
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
    // It took at least so long: the next plan must not trust it with as much.
    if (holder !== undefined && elapsedMs > (other.expectedMs ?? 0)) measure(holder, pass, other, elapsedMs);
    revoke(draft, pass, other, `slot ${lease.slot} answered first`);
  }
}

/** The tree refused the sum: somebody else's answer was there. */
export function forgetLease(draft: Draft, leaseId: number): void {
  const pass = openPass(draft.state);
  if (pass !== null) pass.leases = pass.leases.filter((open) => open.leaseId !== leaseId);
}

/** Takes leases away from workers that cannot finish them; the number that somebody must compute again. */
export function dropLeases(draft: Draft, which: (lease: OpenLease) => boolean, reason: string): number {
  const pass = openPass(draft.state);
  if (pass === null) return 0;
  const dropped = pass.leases.filter(which);
  pass.leases = pass.leases.filter((lease) => !which(lease));
  for (const lease of dropped) {
    // With a backup under way it has been counted already.
    if (!pass.leases.some(({ node }) => sameNode(node, lease.node))) redo(draft, pass, lease, reason);
  }
  return dropped.length;
}

/** Takes every lease of the pass back. */
export function revokeAll(draft: Draft, reason: string): void {
  const pass = openPass(draft.state);
  if (pass === null) return;
  for (const lease of [...pass.leases]) revoke(draft, pass, lease, reason);
}

/** The largest nodes that hold no micro-batch of an open lease or an accepted sum, ascending. */
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
  if (member === undefined) throw new Error(`slot ${slot}: a lease was planned for it and nobody holds it`);
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

/** A validation round is at most a training round: forward alone. */
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
