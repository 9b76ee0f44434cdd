// Serves the exporter's HTTP with `serveMetrics`: /metrics for Prometheus, /healthz for probes, nothing else.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { describeError, type Log, UserError } from "@lockstep/errors";
import { formatAddress, parseAddress } from "@lockstep/service";
import { acceptedFormat } from "./accept.js";
import { type Format, formats } from "./exposition.js";

/** The answer of /healthz, whose status is 200 as long as the process serves. */
export interface ExporterHealth {
  readonly coordinatorSeen: boolean;
  /** Why the coordinator is not seen; null while it is. */
  readonly reason: string | null;
}

export interface MetricsServer {
  /** host:port, with the port that was picked for 0. */
  readonly address: string;
  close(): Promise<void>;
}

export interface MetricsServerOptions {
  /** host:port; port 0 picks one. */
  readonly listen: string;
  readonly metrics: (format: Format) => Promise<string>;
  readonly health: () => ExporterHealth;
  readonly log: Log;
}

/** How long a scraper may take to send its request. */
const requestTimeoutMs = 10_000;

/** @throws UserError for an address that cannot be listened on */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const { listen, log } = options;
  const wanted = parseAddress(listen);
  if (wanted.kind !== "tcp") throw new UserError(`--listen ${listen}: must be host:port; Prometheus scrapes over TCP`);
  const server = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      log.warn({ url: request.url }, `a request failed: ${describeError(error)}`);
      if (!response.headersSent) send(response, 500, "text/plain; charset=utf-8", "internal error\n");
      else response.destroy();
    });
  });
  const { port } = await bind(server, wanted, listen);
  return {
    address: formatAddress({ ...wanted, port }),
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bind(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  listen: string,
): Promise<{ port: number }> {
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") {
      throw new UserError(
        `cannot listen on ${listen}: another process listens there; stop it, or choose another port (--listen)`,
      );
    }
    const message = `cannot listen on ${listen}: ${describeError(error)}; choose another address (--listen)`;
    throw new UserError(message, { cause: error });
  }
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("a TCP server without a port");
  return bound;
}

async function answer(
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
  { metrics, health }: MetricsServerOptions,
): Promise<void> {
  const path = method === "GET" || method === "HEAD" ? url?.split("?", 1)[0] : null;
  if (path === "/metrics") {
    const format = acceptedFormat(headers.accept);
    response.setHeader("Vary", "Accept");
    send(response, 200, formats[format], await metrics(format));
  } else if (path === "/healthz") {
    send(response, 200, "application/json", `${JSON.stringify(health())}\n`);
  } else {
    send(response, 404, "text/plain; charset=utf-8", "there are GET /metrics and GET /healthz\n");
  }
}

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  // Node sends no body in answer to HEAD.
  response.writeHead(status, { "Content-Type": contentType, "Content-Length": Buffer.byteLength(text) }).end(text);
}
