// Owns reading a run's event stream: from any start order, across the coordinator's restarts, until the run has ended or
// nobody wants it any more.
import { type Event, TelemetryClient } from "@lockstep/protocol";
import { backoff, connect, followStream, type Log } from "@lockstep/service";

const retryDelay = backoff({ baseMs: 100, maxMs: 2_000, factor: 2, jitter: false });

/** Resolves when `signal` is aborted. Lost streams are opened again; each begins with a snapshot. */
export async function followRun(options: {
  readonly address: string;
  readonly onEvent: (event: Event) => void;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { address, onEvent, log, signal } = options;
  const { target, credentials, options: channelOptions } = connect({ address, log });
  const client = new TelemetryClient(target, credentials, channelOptions);
  try {
    const onLost = (reason: string): void => log.info({ address, lost: reason }, "the event stream ended");
    await followStream(() => client.subscribe({}), { onMessage: onEvent, onLost }, { signal, backoff: retryDelay });
  } finally {
    client.close();
  }
}
