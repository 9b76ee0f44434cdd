// Does with `ServerConnections` what grpc-js does not offer for a server's connections: it sets how much a peer may send before it has
// been read, reports connections that were refused, ends them when the peer's certificate expires, and ends them without waiting.
import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Server } from "@grpc/grpc-js";
import type { Log } from "@lockstep/errors";
import { failedHandshake, peerOf } from "./failed-handshake.js";
import { failedSession } from "./failed-session.js";
import { RefusalLog } from "./refusal-log.js";

/**
 * Bytes in flight on a connection, and on one of its streams: HTTP/2's flow-control window. grpc-js has an option for
 * clients and none for servers, whose 64 KiB make the sender of megabytes pause (10 MB on a unix socket: 48 ms by default,
 * 36 ms with a window that holds it).
 */
export const receiveWindowBytes = 8 * 1024 * 1024;
/** The most bytes of one HTTP/2 frame: a chunk then needs a few frames, not 64. */
const frameBytes = 1024 * 1024;

export interface ConnectionLimits {
  /** Null: HTTP/2's default, which is small. */
  readonly receiveWindowBytes: number | null;
  /** At the same time. Null: no limit of our own. */
  readonly maxConnections: number | null;
}

export class ServerConnections {
  readonly #sockets = new Set<Socket>();
  readonly #watched = new WeakSet<Http2Server>();
  readonly #limits: ConnectionLimits;
  readonly #log: Log;
  readonly #refusals: RefusalLog;

  constructor(limits: ConnectionLimits, log: Log) {
    this.#limits = limits;
    this.#log = log;
    this.#refusals = new RefusalLog(log);
  }

  /** Call after each bindAsync. Reports where this release of grpc-js keeps its HTTP/2 servers elsewhere. */
  watch(server: Server): void {
    // Private in grpc-js, and the only way to the connections. Checked here, as no type describes it.
    const { http2Servers } = server as unknown as { http2Servers?: unknown };
    if (!(http2Servers instanceof Map) || http2Servers.size === 0) {
      this.#log.warn({}, "cannot reach the connections of this release of @grpc/grpc-js: uploads will be slower");
      return;
    }
    const refusals = this.#refusals;
    for (const http2Server of (http2Servers as Map<Http2Server, unknown>).keys()) {
      if (this.#watched.has(http2Server)) continue;
      this.#watched.add(http2Server);
      const { receiveWindowBytes: windowBytes, maxConnections } = this.#limits;
      if (maxConnections !== null) http2Server.maxConnections = maxConnections;
      const sessionPeers = new WeakMap<ServerHttp2Session, string>();
      const served = new WeakSet<ServerHttp2Session>();
      http2Server.on("session", (session: ServerHttp2Session) => {
        sessionPeers.set(session, peerOf(session.socket));
        session.once("stream", () => served.add(session));
        if (windowBytes === null) return;
        session.settings({ initialWindowSize: windowBytes, maxFrameSize: frameBytes });
        session.setLocalWindowSize(windowBytes);
      });
      const peers = new WeakMap<Socket, string>();
      http2Server.on("connection", (socket: Socket) => {
        this.#sockets.add(socket);
        peers.set(socket, peerOf(socket));
        socket.once("close", () => this.#sockets.delete(socket));
      });
      http2Server.on("secureConnection", (socket: TLSSocket) => {
        const peer = peerOf(socket);
        endWithCertificate(socket, () =>
          refusals.note({ level: "warn", peer, message: "ended a connection: its certificate has expired" }),
        );
      });
      http2Server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
        const { _parent: beneath } = socket as { readonly _parent?: Socket }; // private in Node; it loses its address when it closes
        const peer = (beneath === undefined ? undefined : peers.get(beneath)) ?? "unknown";
        refusals.note({ peer, ...failedHandshake(error, socket.authorizationError) });
      });
      http2Server.on("sessionError", (error: Error, session: ServerHttp2Session) => {
        const message = failedSession(error, served.has(session));
        if (message === null) return;
        refusals.note({ level: "info", peer: sessionPeers.get(session) ?? "unknown", message });
      });
    }
  }

  /** At once: an HTTP/2 session would wait for an answer, which a suspended peer never sends. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** The longest time of setTimeout; a longer wait is made of several. */
const longestTimeoutMs = 2 ** 31 - 1;

/**
 * TLS checks a certificate only in a full handshake: without this a peer could stay connected for ever, and connect again with its
 * session ticket. A process whose certificate was renewed meanwhile connects again with the new one.
 */
function endWithCertificate(socket: TLSSocket, onExpired: () => void): void {
  const expiresMs = Date.parse(socket.getPeerCertificate().valid_to);
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const leftMs = expiresMs - Date.now();
    if (leftMs > 0) {
      timer = setTimeout(look, Math.min(leftMs, longestTimeoutMs)).unref();
      return;
    }
    onExpired();
    socket.destroy();
  };
  socket.once("close", () => clearTimeout(timer));
  look();
}
