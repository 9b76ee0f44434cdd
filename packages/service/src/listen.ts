// Owns a gRPC server's life: bind, serve, drain, close.
import {
  logVerbosity,
  Server,
  type ServerCredentials,
  type ServerInterceptor,
  type ServerOptions,
  type ServiceDefinition,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type Log, UserError } from "@lockstep/errors";
import { type Address, formatAddress, parseAddress } from "./address.js";
import { healthServerOptions, maxHealthConnections, serverOptions } from "./channel-options.js";
import { serverCredentials, tlsIdentity } from "./credentials.js";
import type { Health } from "./health.js";
import { type ConnectionLimits, receiveWindowBytes, ServerConnections } from "./server-connections.js";
import { SocketPlace } from "./socket-place.js";
import type { TlsOptions } from "./tls/tls-identity.js";

export interface ServedService {
  /** E.g. CoordinatorService of @lockstep/protocol. */
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface ListenOptions {
  /** `unix:/path.sock`, or `host:port`; port 0 picks a free one. */
  readonly address: string;
  readonly services: readonly ServedService[];
  readonly health?: Health;
  /** Mutual TLS by the certificates in this folder; not used on a unix socket. */
  readonly tls?: TlsOptions | undefined;
  /** Plain text beyond this machine, with a warning. */
  readonly insecure?: boolean | undefined;
  /** Asked before each call. */
  readonly interceptors?: readonly ServerInterceptor[];
  readonly log: Log;
}

export interface Listener {
  /** Where it listens, with the port that was picked. */
  readonly address: string;
  /** Lets calls under way end for at most `graceMs`, then cuts them off. Idempotent. */
  close(options: { readonly graceMs: number }): Promise<void>;
}

/** @throws UserError for a bad or taken address, certificates that cannot be used, or plain text beyond this machine without `insecure` */
export async function listen(options: ListenOptions): Promise<Listener> {
  const address = parseAddress(options.address);
  const { tls, insecure = false, log } = options;
  const identity = tlsIdentity({ address, tls, insecure, log }, "listening on");
  const limits: Limits = { server: serverOptions, receiveWindowBytes, maxConnections: null };
  const binding = { credentials: serverCredentials(identity), address, asked: options.address, flag: "--listen" };
  return listenWith(binding, options, limits);
}

/** Plain text on any address, as it says nothing but whether this process serves: for probes, which speak no TLS. */
export function listenForHealth(options: {
  readonly address: string;
  readonly health: Health;
  readonly log: Log;
}): Promise<Listener> {
  const { address: asked, health, log } = options;
  const flag = "--health-listen";
  const binding = { credentials: serverCredentials(null), address: parseAddress(asked), asked, flag };
  const limits: Limits = {
    server: healthServerOptions,
    receiveWindowBytes: null,
    maxConnections: maxHealthConnections,
  };
  return listenWith(binding, { services: [], health, log }, limits);
}

interface Limits extends ConnectionLimits {
  readonly server: ServerOptions;
}

async function listenWith(
  { address, ...binding }: Binding,
  options: Pick<ListenOptions, "services" | "health" | "interceptors" | "log">,
  limits: Limits,
): Promise<Listener> {
  const server = new Server({ ...limits.server, interceptors: [...(options.interceptors ?? [])] });
  for (const { definition, implementation } of options.services) server.addService(definition, implementation);
  options.health?.addTo(server);

  const place = address.kind === "unix" ? await SocketPlace.claim(address.path, options.log) : null;
  const bindTo = place === null ? address : ({ kind: "unix", path: place.privatePath } as const);
  try {
    const port = await bind(server, { ...binding, address: bindTo });
    const connections = new ServerConnections(server, limits, options.log);
    await place?.publish();
    const bound: Address = address.kind === "tcp" ? { ...address, port } : address;
    return new BoundListener(server, { address: formatAddress(bound), place, connections });
  } catch (error) {
    server.forceShutdown();
    await place?.remove();
    throw error;
  }
}

class BoundListener implements Listener {
  readonly address: string;
  readonly #server: Server;
  readonly #place: SocketPlace | null;
  readonly #connections: ServerConnections;
  #closing: Promise<void> | null = null;

  constructor(
    server: Server,
    bound: {
      readonly address: string;
      readonly place: SocketPlace | null;
      readonly connections: ServerConnections;
    },
  ) {
    this.#server = server;
    this.address = bound.address;
    this.#place = bound.place;
    this.#connections = bound.connections;
  }

  close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const cutOff = setTimeout(() => {
      this.#server.forceShutdown();
      this.#connections.destroy();
    }, graceMs);
    try {
      await new Promise<void>((resolve, reject) =>
        this.#server.tryShutdown((error) => (error === undefined ? resolve() : reject(error))),
      );
    } finally {
      clearTimeout(cutOff);
      await this.#place?.remove();
    }
  }
}

interface Binding {
  readonly credentials: ServerCredentials;
  readonly address: Address;
  /** As the user wrote it, */
  readonly asked: string;
  /** by this flag. */
  readonly flag: string;
}

function bind(server: Server, { credentials, address, asked, flag }: Binding): Promise<number> {
  // grpc-js prints its error besides handing it over, and ours says the same better; who debugs grpc-js wants its words.
  const isSilenced = process.env["GRPC_VERBOSITY"] === undefined && process.env["GRPC_NODE_VERBOSITY"] === undefined;
  if (isSilenced) setLogVerbosity(logVerbosity.NONE);
  return new Promise((resolve, reject) => {
    server.bindAsync(formatAddress(address), credentials, (error, port) => {
      if (isSilenced) setLogVerbosity(logVerbosity.ERROR); // its default
      if (error === null) return resolve(port);
      const problem = error.message.includes("EADDRINUSE")
        ? "another process listens there; stop it, or choose another port"
        : `${error.message}; choose another address`;
      reject(new UserError(`cannot listen on ${asked}: ${problem} (${flag})`));
    });
  });
}
