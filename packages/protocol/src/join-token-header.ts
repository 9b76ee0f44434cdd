// Owns how the join token travels: in the metadata of every call. Who asks for it where is the coordinator's.
import { InterceptingCall, type Interceptor } from "@grpc/grpc-js";

export const joinTokenHeader = "lockstep-join-token";

/** For a connection's clients. None where there is no token. */
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
