// Runs an exporter with `runExporter`: it subscribes to the coordinator's events, serves metrics made of them, and goes on without a
// coordinator until its signal is aborted.
import type { Log } from "@lockstep/errors";
import { type Event, sendJoinToken } from "@lockstep/protocol";
import { connect, findJoinToken, tlsAs } from "@lockstep/service";
import { Exposition } from "./exposition.js";
import { followEvents } from "./follow-events.js";
import { serveMetrics } from "./metrics-server.js";
import { advanceView, nothingSeen, type Observed } from "./run-view.js";
import { observationsOf, samplesOf } from "./samples.js";

export interface ExporterOptions {
  /** `unix:/path.sock` or `host:port`. */
  readonly coordinator: string;
  /** host:port of the HTTP server; port 0 picks one. */
  readonly listen: string;
  /** A folder with the exporter's certificate. */
  readonly tls?: string | undefined;
  /** Default: `join-token` in the folder of certificates, where it is there. */
  readonly joinTokenFile?: string | undefined;
  /** Plain text to a coordinator beyond this machine. */
  readonly insecure?: boolean;
  readonly log: Log;
  /** When it is aborted, the server is closed and runExporter returns. */
  readonly signal: AbortSignal;
  /** Called when the server listens. */
  readonly onListening?: (address: string) => void;
}

/**
 * Serves until the signal is aborted, whether the coordinator is there or not.
 * @throws UserError for an address that cannot be listened on or connected to, or certificates that cannot be used
 */
export async function runExporter(options: ExporterOptions): Promise<void> {
  const { coordinator, listen, insecure = false, log, signal } = options;
  const tls = tlsAs("exporter", options.tls);
  const interceptors = sendJoinToken(findJoinToken({ file: options.joinTokenFile, tlsFolder: options.tls }));
  const connection = connect({ address: coordinator, tls, insecure, interceptors, log }); // opens nothing yet
  const { target: address } = connection;
  let view = nothingSeen;
  let problem: string | null = "not connected yet";
  const exposition = new Exposition();
  const note = (observed: Observed): void => {
    view = advanceView(view, observed);
  };
  const reportLost = (reason: string): void => {
    if (view.isSeen || reason === problem || signal.aborted) return; // connected again, or reported before
    problem = reason;
    const outcome = view.life?.outcome ?? null;
    if (outcome === null) log.warn({}, `no events from the coordinator at ${address}: ${reason}; trying again`);
    else log.info({ coordinator: address, outcome, reason }, "the run is over; looking for a coordinator again");
  };
  const follower = {
    onOpening: () => note({ type: "subscribing" }),
    onMessage(event: Event) {
      const wasSeen = view.isSeen;
      note({ type: "event", event });
      exposition.observe(observationsOf(event));
      if (wasSeen || !view.isSeen) return;
      problem = null;
      const { coordinatorGeneration } = event;
      log.info({ coordinator: address, coordinatorGeneration }, "receiving the coordinator's events");
    },
    onLost(reason: string) {
      note({ type: "lost" });
      if (signal.aborted) return;
      void connection.whyRefused(signal).then((refused) => reportLost(refused ?? reason));
    },
  };
  const server = await serveMetrics({
    listen,
    metrics: (format) => exposition.render(format, samplesOf(view)),
    health: () => ({ coordinatorSeen: view.isSeen, reason: view.isSeen ? null : problem }),
    log,
  });
  try {
    log.info({ address: server.address, coordinator: address }, "exporter listens");
    options.onListening?.(server.address);
    await followEvents(connection, follower, signal);
  } finally {
    await server.close();
  }
}
