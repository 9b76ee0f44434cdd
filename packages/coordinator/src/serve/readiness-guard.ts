// Refuses calls while the coordinator is not ready: `readinessGuard`. Health checks are always answered.
import { Metadata, ServerInterceptingCall, type ServerInterceptor, type ServiceError, status } from "@grpc/grpc-js";

/** @param isReady returns false until the generation is on the disk */
export function readinessGuard(isReady: () => boolean): ServerInterceptor {
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            if (isReady() || path.startsWith("/grpc.health.")) pass(metadata);
            else call.sendStatus(unavailable("the coordinator is starting; try again"));
          },
        }),
    });
}

/** The error for a caller that should repeat the call later. */
export function unavailable(details: string): Pick<ServiceError, "code" | "details" | "metadata"> {
  return { code: status.UNAVAILABLE, details, metadata: new Metadata() };
}
