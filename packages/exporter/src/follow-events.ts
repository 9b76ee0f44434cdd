// Owns reading a run's event stream, across the coordinator's restarts.
import { type Event, TelemetryClient } from "@lockstep/protocol";
import { backoff, type Connection, followStream, type StreamFollower } from "@lockstep/service";

const retryDelay = backoff({ baseMs: 100, maxMs: 1_000, factor: 2, jitter: false });

/** Resolves when `signal` is aborted. Each stream begins with a snapshot. */
export async function followEvents(
  { target, credentials, options }: Connection,
  follower: StreamFollower<Event>,
  signal: AbortSignal,
): Promise<void> {
  const client = new TelemetryClient(target, credentials, options);
  try {
    await followStream(() => client.subscribe({}), follower, { signal, backoff: retryDelay });
  } finally {
    client.close();
  }
}
