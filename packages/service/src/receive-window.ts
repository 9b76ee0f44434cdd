// Owns how much a peer may send a server before it has been read: HTTP/2's flow-control window. grpc-js has an option for
// clients and none for servers, whose 64 KiB make an upload of megabytes stop and go (10 MB on a unix socket: 48 ms
// as it comes, 36 ms with a window that holds it). So the window is opened on each HTTP/2 session of the server.
import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { Server } from "@grpc/grpc-js";
import type { Log } from "./log.js";

/** Bytes in flight on a connection, and on one of its streams. */
export const receiveWindowBytes = 8 * 1024 * 1024;

/** Bytes of one HTTP/2 frame, at most: a chunk in a few, not in 64. */
const frameBytes = 1024 * 1024;

/** Call after bindAsync. Says so where this release of grpc-js keeps its HTTP/2 servers elsewhere: uploads are slower then. */
export function widenReceiveWindow(server: Server, log: Log): void {
  // Private in grpc-js, and the only way to the sessions; checked, as no type vouches for it.
  const { http2Servers } = server as unknown as { http2Servers?: unknown };
  if (!(http2Servers instanceof Map) || http2Servers.size === 0) {
    log.warn({}, "cannot widen the receive window of this release of @grpc/grpc-js: uploads will be slower");
    return;
  }
  for (const http2Server of (http2Servers as Map<Http2Server, unknown>).keys()) {
    http2Server.on("session", (session: ServerHttp2Session) => {
      session.settings({ initialWindowSize: receiveWindowBytes, maxFrameSize: frameBytes });
      session.setLocalWindowSize(receiveWindowBytes);
    });
  }
}
