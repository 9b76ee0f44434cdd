// Reads a run's event stream with `followEvents`, across restarts of the coordinator.
import type { ClientReadableStream } from "@grpc/grpc-js";
import { type Event, TelemetryClient } from "@lockstep/protocol";
import { backoff, type Connection, followStream, type StreamFollower } from "@lockstep/service";

const retryDelay = backoff({ baseMs: 100, maxMs: 1_000, factor: 2, jitter: false });

/** grpc-js has no limit of its own: a connection attempt to an address that has gone lasts as long as the system allows, for minutes. */
const connectTimeoutMs = 5_000;

/** Resolves when `signal` is aborted. Each stream begins with a snapshot. */
export async function followEvents(
  { target, credentials, options }: Connection,
  follower: StreamFollower<Event>,
  signal: AbortSignal,
): Promise<void> {
  let client: TelemetryClient | null = null;
  const open = (): ClientReadableStream<Event> => {
    client?.close();
    // A new one resolves the host's address again: the coordinator's container or pod may have another after a restart.
    client = new TelemetryClient(target, credentials, options);
    const stream = client.subscribe({});
    client.waitForReady(Date.now() + connectTimeoutMs, (error) => {
      if (error === undefined) return;
      stream.emit("error", new Error(`no connection within ${connectTimeoutMs / 1000} s`));
      stream.cancel();
    });
    return stream;
  };
  try {
    await followStream(open, follower, { signal, backoff: retryDelay });
  } finally {
    (client as TelemetryClient | null)?.close(); // assigned in open, which the compiler does not see
  }
}
