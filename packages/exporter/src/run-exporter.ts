// Owns the exporter's life: hear the coordinator, serve what follows, outlive the coordinator, end when told to.
import type { Log } from "@lockstep/errors";
import { type Event, sendJoinToken } from "@lockstep/protocol";
import { connect, findJoinToken, tlsAs } from "@lockstep/service";
import { Exposition } from "./exposition.js";
import { followEvents } from "./follow-events.js";
import { serveMetrics } from "./metrics-server.js";
import { advanceView, type Heard, nothingSeen } from "./run-view.js";
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
  /** Aborted: close and return. */
  readonly signal: AbortSignal;
  /** Called once it serves. */
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
  let lost: string | null = "not connected yet";
  const exposition = new Exposition();
  const hear = (heard: Heard): void => {
    view = advanceView(view, heard);
  };
  const sayLost = (reason: string): void => {
    if (view.isSeen || reason === lost || signal.aborted) return; // back, or said before
    lost = reason;
    const outcome = view.life?.outcome ?? null;
    if (outcome === null) log.warn({ coordinator: address }, `cannot hear the coordinator: ${reason}; trying again`);
    else log.info({ coordinator: address, outcome, reason }, "the run is over; looking for a coordinator again");
  };
  const follower = {
    onOpening: () => hear({ type: "subscribing" }),
    onMessage(event: Event) {
      const wasSeen = view.isSeen;
      hear({ type: "event", event });
      exposition.observe(observationsOf(event));
      if (wasSeen || !view.isSeen) return;
      lost = null;
      const { coordinatorGeneration } = event;
      log.info({ coordinator: address, coordinatorGeneration }, "hearing the coordinator");
    },
    onLost(reason: string) {
      hear({ type: "lost" });
      if (signal.aborted) return;
      void connection.whyRefused(signal).then((refused) => sayLost(refused ?? reason));
    },
  };
  const server = await serveMetrics({
    listen,
    metrics: (format) => exposition.render(format, samplesOf(view)),
    health: () => ({ coordinatorSeen: view.isSeen, reason: view.isSeen ? null : lost }),
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
