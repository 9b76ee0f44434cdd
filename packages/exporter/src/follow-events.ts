// Owns reading a run's event stream, across the coordinator's restarts.
import { type Event, TelemetryClient } from "@lockstep/protocol";
import { backoff, connect, followStream, type Log, type StreamFollower } from "@lockstep/service";

const retryDelay = backoff({ baseMs: 100, maxMs: 1_000, factor: 2, jitter: false });

/**
 * Resolves when `signal` is aborted. Each stream begins with a snapshot.
 * @throws UserError for an address that cannot be one, or plain text beyond this machine without `insecure`
 */
export async function followEvents(options: {
  readonly address: string;
  readonly insecure: boolean;
  readonly follower: StreamFollower<Event>;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { address, insecure, follower, log, signal } = options;
  const { target, credentials, options: channelOptions } = connect({ address, insecure, log });
  const client = new TelemetryClient(target, credentials, channelOptions);
  try {
    await followStream(() => client.subscribe({}), follower, { signal, backoff: retryDelay });
  } finally {
    client.close();
  }
}
