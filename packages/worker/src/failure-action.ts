// actionFor() decides what a failed call or a failed computation means for its lease and its session. Pure.
import { status } from "@grpc/grpc-js";
import { describeError } from "@lockstep/errors";
import { WireError } from "@lockstep/protocol";

export type FailureAction =
  /** The lease's sum is not needed any more: close the lease. */
  | { readonly kind: "close-lease"; readonly reason: string }
  /** This worker cannot compute the lease: report that to the coordinator. */
  | { readonly kind: "fail-lease"; readonly reason: string }
  /** The session is over: join again. */
  | { readonly kind: "rejoin"; readonly reason: string }
  /** A refusal, or a bug of the worker or the coordinator: joining again would fail in the same way. */
  | { readonly kind: "fatal"; readonly reason: string };

export function actionFor(error: unknown): FailureAction {
  const reason = describeError(error);
  if (error instanceof WireError) {
    if (error.code === "stale-lease" || error.code === "not-finite") return { kind: "close-lease", reason };
    if (error.code === "bad-chunk") return { kind: "fail-lease", reason };
    return error.remedy === "none" ? { kind: "fatal", reason } : { kind: "rejoin", reason };
  }
  // A broken connection shows as UNAVAILABLE, CANCELLED or INTERNAL: that depends on the moment at which it breaks.
  return isCallFailure(error) ? { kind: "rejoin", reason } : { kind: "fail-lease", reason };
}

/** The coordinator also answers INTERNAL when it has a bug; joining again and again does not help then. */
export function isInternal(error: unknown): boolean {
  return isCallFailure(error) && error.code === status.INTERNAL;
}

function isCallFailure(error: unknown): error is Error & { readonly code: number } {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "metadata" in error;
}
