// Turns calls away while the coordinator is not ready for them: `readinessGuard`. The probes of health are answered always.
import { Metadata, ServerInterceptingCall, type ServerInterceptor, type ServiceError, status } from "@grpc/grpc-js";

/** @param isReady false from the moment that the address is bound until the generation is on the disk */
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

/** For whoever should make the same call again later. */
export function unavailable(details: string): Pick<ServiceError, "code" | "details" | "metadata"> {
  return { code: status.UNAVAILABLE, details, metadata: new Metadata() };
}
