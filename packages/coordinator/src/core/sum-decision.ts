// Decides whether a sum may be added to the tree: `decideSum`. It uses only the header, before any tensor is read.
import type { WireErrorCode } from "@lockstep/protocol";
import type { PassKind } from "./run-plan.js";
import { type CoreState, memberOf, type OpenLease, openPass } from "./state.js";

/** The fields of a SumHeader of the wire contract that are checked. */
export interface SumOffer {
  readonly sessionId: string;
  readonly leaseId: number;
  readonly coordinatorGeneration: number;
  /** Null for a kind of pass that this protocol version does not have. */
  readonly pass: PassKind | null;
  readonly step: number;
  readonly weightsDigest: string;
  readonly first: number;
  readonly count: number;
  readonly proofs: readonly { readonly microBatch: number; readonly finite: boolean; readonly numSamples: number }[];
  readonly numSums: number;
}

export type SumDecision =
  /** The lease is open and the header is right: read the tensors. */
  | { readonly kind: "take"; readonly lease: OpenLease }
  /** The sum is not needed any more: another worker's sum came first, or the lease was revoked. */
  | { readonly kind: "late"; readonly reason: string }
  | { readonly kind: "not-finite"; readonly lease: OpenLease; readonly microBatch: number }
  | { readonly kind: "refuse"; readonly code: WireErrorCode; readonly message: string };

export function decideSum(state: CoreState, offer: SumOffer): SumDecision {
  const { settings } = state;
  if (offer.coordinatorGeneration !== settings.coordinatorGeneration) {
    const message = `the sum is for coordinator generation ${offer.coordinatorGeneration}, and this is generation ${settings.coordinatorGeneration}; join again`;
    return { kind: "refuse", code: "stale-generation", message };
  }
  const member = memberOf(state, offer.sessionId);
  if (member === undefined) {
    return { kind: "refuse", code: "unknown-session", message: "the session has ended; join again" };
  }
  if (!Number.isSafeInteger(offer.leaseId) || offer.leaseId < 1 || offer.leaseId >= state.nextLeaseId) {
    return { kind: "refuse", code: "stale-lease", message: `lease ${offer.leaseId} was never granted` };
  }
  const pass = openPass(state);
  const lease = pass?.leases.find(({ leaseId }) => leaseId === offer.leaseId);
  if (pass === null || lease === undefined) {
    return { kind: "late", reason: `lease ${offer.leaseId} is closed: its sum was accepted or it was revoked` };
  }
  const { node } = lease;
  if (
    lease.sessionId !== offer.sessionId ||
    offer.pass !== pass.kind ||
    offer.step !== pass.step ||
    offer.weightsDigest !== state.weightsDigest ||
    offer.first !== node.first ||
    offer.count !== node.count
  ) {
    const message =
      `lease ${offer.leaseId} is for slot ${lease.slot}, ${pass.kind}, step ${pass.step}, weights ${state.weightsDigest}, ` +
      `micro-batches ${node.first}+${node.count}; the sum is from slot ${member.slot}, for ${offer.pass ?? "an unknown pass"}, ` +
      `step ${offer.step}, weights ${offer.weightsDigest}, micro-batches ${offer.first}+${offer.count}`;
    return { kind: "refuse", code: "stale-lease", message };
  }
  const malformed = malformedOf(offer, pass.shape, settings.numSums);
  if (malformed !== null) return { kind: "refuse", code: "bad-request", message: malformed };
  const notFinite = offer.proofs.find(({ finite }) => !finite);
  if (notFinite !== undefined) return { kind: "not-finite", lease, microBatch: notFinite.microBatch };
  return { kind: "take", lease };
}

function malformedOf(
  { first, count, proofs, numSums }: SumOffer,
  shape: { microBatch(index: number): { readonly count: number } },
  expectedSums: number,
): string | null {
  if (numSums !== expectedSums) return `there are ${numSums} metric sums: the run has ${expectedSums}`;
  if (proofs.length !== count) return `there are ${proofs.length} proofs: the lease has ${count} micro-batches`;
  for (const [index, proof] of proofs.entries()) {
    if (proof.microBatch !== first + index)
      return `proof ${index} is for micro-batch ${proof.microBatch}, not ${first + index}`;
    const expected = shape.microBatch(proof.microBatch).count;
    if (proof.numSamples !== expected) {
      return `micro-batch ${proof.microBatch} was computed over ${proof.numSamples} samples: it has ${expected}`;
    }
  }
  return null;
}
