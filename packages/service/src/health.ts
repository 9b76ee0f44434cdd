// Implements grpc.health.v1 with the grpc-health-check package: `createHealth` for a server, `checkHealth` for a client.
import {
  type Client,
  type handleServerStreamingCall,
  type handleUnaryCall,
  makeClientConstructor,
  type Server,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { UserError } from "@lockstep/errors";
import { HealthImplementation, service as healthDefinition } from "grpc-health-check";
import { type ConnectOptions, connect } from "./connect.js";

export { healthDefinition };

/** Always serving: a process that answers is alive, even if it is not ready. For liveness probes. */
export const aliveService = "alive";

export interface Health {
  /** The whole server (service "") serves when every service that was set, and not removed, does. */
  setServing(service: string, serving: boolean): void;
  /** The service is not offered any more. */
  remove(service: string): void;
  addTo(server: Server): void;
}

export type HealthStatus = "SERVING" | "NOT_SERVING" | "UNKNOWN";

export function createHealth(): Health {
  const implementation = new HealthImplementation({ "": "NOT_SERVING", [aliveService]: "SERVING" });
  const services = new Map<string, boolean>();
  const setWhole = (): void => {
    const serves = services.size > 0 && [...services.values()].every(Boolean);
    implementation.setStatus("", serves ? "SERVING" : "NOT_SERVING");
  };
  return {
    setServing(service, serving) {
      services.set(service, serving);
      implementation.setStatus(service, serving ? "SERVING" : "NOT_SERVING");
      setWhole();
    },
    remove(service) {
      services.delete(service);
      implementation.setStatus(service, "NOT_SERVING");
      setWhole();
    },
    addTo(server) {
      const isKnown = (service: string): boolean => service === "" || service === aliveService || services.has(service);
      implementation.addToServer({
        addService: (definition, handlers) =>
          server.addService(definition, onlyFor(isKnown, handlers as unknown as HealthHandlers)),
      });
    },
  };
}

interface HealthQuery {
  readonly service: string;
}

/** What grpc-health-check passes to addService; its types lack the names. */
interface HealthHandlers {
  readonly check: handleUnaryCall<HealthQuery, unknown>;
  readonly watch: handleServerStreamingCall<HealthQuery, unknown>;
  readonly list: handleUnaryCall<unknown, unknown>;
}

/**
 * The library keeps every name that was ever watched, and a name may have megabytes: a peer could fill the memory. By the protocol the
 * watcher of an unknown service waits for it; here it gets NOT_FOUND and may ask again.
 */
function onlyFor(isKnown: (service: string) => boolean, { check, watch, list }: HealthHandlers) {
  const unknown = { code: status.NOT_FOUND, details: "no such service" };
  return {
    check: ((call, answer) => {
      if (isKnown(call.request.service)) check(call, answer);
      else answer(unknown);
    }) satisfies HealthHandlers["check"],
    watch: ((call) => {
      if (isKnown(call.request.service)) watch(call);
      else call.emit("error", unknown);
    }) satisfies HealthHandlers["watch"],
    list,
  };
}

export interface HealthQuestion extends ConnectOptions {
  /** The service in question; "" (the default) is the whole server. */
  readonly service?: string;
  readonly timeoutMs: number;
}

interface HealthClient extends Client {
  check(
    request: { service: string },
    options: { deadline: number },
    answer: (error: ServiceError | null, response: { status: string }) => void,
  ): void;
}

/**
 * "UNKNOWN" when the server does not know the service. Rejects with gRPC's error when it cannot be reached in time, with
 * UserError when it refuses the connection.
 */
export async function checkHealth(question: HealthQuestion): Promise<HealthStatus> {
  const { target, credentials, options, whyRefused } = connect(question);
  const HealthClient = makeClientConstructor(healthDefinition, "grpc.health.v1.Health");
  // The constructor is built from the service definition at run time; HealthClient is its one method that we call.
  const client = new HealthClient(target, credentials, options) as unknown as HealthClient;
  const deadline = Date.now() + question.timeoutMs;
  try {
    return await new Promise<HealthStatus>((resolve, reject) => {
      client.check({ service: question.service ?? "" }, { deadline }, (error, response) => {
        if (error?.code === status.NOT_FOUND) resolve("UNKNOWN");
        else if (error !== null) reject(error);
        else resolve(response.status === "SERVING" ? "SERVING" : "NOT_SERVING");
      });
    });
  } catch (error) {
    const isUnavailable = error instanceof Error && "code" in error && error.code === status.UNAVAILABLE;
    const reason = isUnavailable ? await whyRefused(AbortSignal.timeout(Math.max(0, deadline - Date.now()))) : null;
    throw reason === null ? error : new UserError(reason);
  } finally {
    client.close();
  }
}
