// Owns what a failed call or a failed computation means for the lease and the session it happened in. Pure.
import { status } from "@grpc/grpc-js";
import { describeError } from "@lockstep/errors";
import { WireError } from "@lockstep/protocol";

export type FailureVerdict =
  /** Nobody wants the lease any more. */
  | { readonly kind: "forget"; readonly reason: string }
  /** It cannot be computed here: tell the coordinator. */
  | { readonly kind: "fail-lease"; readonly reason: string }
  /** The session is over: join again. */
  | { readonly kind: "rejoin"; readonly reason: string }
  /** Ours or the coordinator's bug, or a refusal: joining again would meet it again. */
  | { readonly kind: "fatal"; readonly reason: string };

export function judgeFailure(error: unknown): FailureVerdict {
  const reason = describeError(error);
  if (error instanceof WireError) {
    if (error.code === "stale-lease" || error.code === "not-finite") return { kind: "forget", reason };
    if (error.code === "bad-chunk") return { kind: "fail-lease", reason };
    return error.remedy === "none" ? { kind: "fatal", reason } : { kind: "rejoin", reason };
  }
  // A broken connection shows as UNAVAILABLE, CANCELLED or INTERNAL, as its moment will have it.
  return isCallFailure(error) ? { kind: "rejoin", reason } : { kind: "fail-lease", reason };
}

/** The coordinator says INTERNAL of its own bugs too: those do not go away by joining again and again. */
export function isInternal(error: unknown): boolean {
  return isCallFailure(error) && error.code === status.INTERNAL;
}

function isCallFailure(error: unknown): error is Error & { readonly code: number } {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "metadata" in error;
}
