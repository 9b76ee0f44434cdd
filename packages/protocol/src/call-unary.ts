// Turns a unary call of a generated client into a promise with `callUnary`.
import { type ClientUnaryCall, Metadata, type ServiceError } from "@grpc/grpc-js";
import { fromServiceError } from "./wire-error.js";

/** Starts the call, for example `(...call) => client.join(request, ...call)`. */
export type StartUnaryCall<Response> = (
  metadata: Metadata,
  options: { readonly deadline: number },
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/**
 * Starts the call and resolves with the answer. Rejects with `signal.reason` when the signal is aborted; otherwise with the
 * result of fromServiceError, which is gRPC's DEADLINE_EXCEEDED when no answer came within timeoutMs.
 */
export function callUnary<Response>(
  start: StartUnaryCall<Response>,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Response> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const onAbort = (): void => call.cancel();
    const call = start(new Metadata(), { deadline: Date.now() + timeoutMs }, (error, response) => {
      signal.removeEventListener("abort", onAbort);
      if (error === null) resolve(response);
      else reject(signal.aborted ? signal.reason : fromServiceError(error));
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
