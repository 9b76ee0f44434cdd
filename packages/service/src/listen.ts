// Binds, serves, drains and closes a gRPC server with `listen`.
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
import { KeptSocket } from "./kept-socket.js";
import { type ConnectionLimits, receiveWindowBytes, ServerConnections } from "./server-connections.js";
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
  /** Run before each call. */
  readonly interceptors?: readonly ServerInterceptor[];
  readonly log: Log;
  /** How often a unix socket is looked for, to make it again when it was removed. Default 10 s. */
  readonly socketCheckMs?: number;
}

export interface Listener {
  /** Where it listens, with the port that was picked. */
  readonly address: string;
  /** Lets open calls end for at most `graceMs`, then ends them. Idempotent. */
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

/** Plain text on any address, for probes, which have no certificates: it reports only whether this process serves. */
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

/** How often the file of a unix socket is looked for. */
const defaultSocketCheckMs = 10_000;

interface Limits extends ConnectionLimits {
  readonly server: ServerOptions;
}

async function listenWith(
  { address, ...binding }: Binding,
  options: Pick<ListenOptions, "services" | "health" | "interceptors" | "log" | "socketCheckMs">,
  limits: Limits,
): Promise<Listener> {
  const { log, socketCheckMs: checkMs = defaultSocketCheckMs } = options;
  const server = new Server({ ...limits.server, interceptors: [...(options.interceptors ?? [])] });
  for (const { definition, implementation } of options.services) server.addService(definition, implementation);
  options.health?.addTo(server);

  const connections = new ServerConnections(limits, log);
  const bindTo = async (to: Address): Promise<number> => {
    const port = await bind(server, { ...binding, address: to });
    connections.watch(server);
    return port;
  };
  try {
    if (address.kind === "unix") {
      const { path } = address;
      const socket = await KeptSocket.bind({ path, bind: (to) => bindTo({ kind: "unix", path: to }), checkMs, log });
      return new BoundListener(server, { address: formatAddress(address), socket, connections });
    }
    const port = await bindTo(address);
    return new BoundListener(server, { address: formatAddress({ ...address, port }), socket: null, connections });
  } catch (error) {
    server.forceShutdown();
    throw error;
  }
}

class BoundListener implements Listener {
  readonly address: string;
  readonly #server: Server;
  readonly #socket: KeptSocket | null;
  readonly #connections: ServerConnections;
  #closing: Promise<void> | null = null;

  constructor(
    server: Server,
    bound: {
      readonly address: string;
      readonly socket: KeptSocket | null;
      readonly connections: ServerConnections;
    },
  ) {
    this.#server = server;
    this.address = bound.address;
    this.#socket = bound.socket;
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
      await this.#socket?.close();
    }
  }
}

interface Binding {
  readonly credentials: ServerCredentials;
  readonly address: Address;
  /** The address as the user wrote it. */
  readonly asked: string;
  /** The flag that set it. */
  readonly flag: string;
}

function bind(server: Server, { credentials, address, asked, flag }: Binding): Promise<number> {
  // grpc-js prints its error and passes it on. Ours is clearer, so the print is switched off, but not while somebody debugs grpc-js.
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
