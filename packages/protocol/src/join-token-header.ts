// Sends the join token in the metadata of every call (`sendJoinToken`). The coordinator checks it (see method-guard.ts).
import { InterceptingCall, type Interceptor } from "@grpc/grpc-js";

export const joinTokenHeader = "lockstep-join-token";

/** Interceptors for a gRPC client that add the current token to each call. Empty when `token` is null. */
export function sendJoinToken(token: { current(): string } | null): Interceptor[] {
  if (token === null) return [];
  const send: Interceptor = (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        metadata.set(joinTokenHeader, token.current());
        next(metadata, listener);
      },
    });
  return [send];
}
