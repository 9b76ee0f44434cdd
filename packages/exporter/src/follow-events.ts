// Owns reading a run's event stream: across the coordinator's restarts, until nobody wants it any more.
import { type Event, TelemetryClient } from "@lockstep/protocol";
import { backoff, connect, type Log, sleep } from "@lockstep/service";

const retryDelay = backoff({ baseMs: 100, maxMs: 1_000, factor: 2, jitter: false });

export interface EventFollower {
  /** A stream is opened, for the first time or again. */
  onSubscribing(): void;
  /** What it throws breaks the stream off. */
  onEvent(event: Event): void;
  /** The stream has ended, for this reason. */
  onLost(reason: string): void;
}

/**
 * Resolves when `signal` is aborted. Each stream begins with a snapshot.
 * @throws UserError for an address that cannot be one, or plain text beyond this machine without `insecure`
 */
export async function followEvents(options: {
  readonly address: string;
  readonly insecure: boolean;
  readonly follower: EventFollower;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { address, insecure, follower, log, signal } = options;
  const { target, credentials, options: channelOptions } = connect({ address, insecure, log });
  const client = new TelemetryClient(target, credentials, channelOptions);
  let failures = 0;
  try {
    while (!signal.aborted) {
      follower.onSubscribing();
      const reason = await readStream(client, signal, (event) => {
        follower.onEvent(event);
        failures = 0; // an event that is not understood is a failure again
      });
      failures++;
      follower.onLost(reason);
      await sleep(retryDelay(failures), signal).catch(() => {}); // aborted: looked at by the loop
    }
  } finally {
    client.close();
  }
}

/** Resolves with why the stream ended. */
function readStream(client: TelemetryClient, signal: AbortSignal, onEvent: (event: Event) => void): Promise<string> {
  return new Promise((resolve) => {
    const stream = client.subscribe({});
    const cancel = (): void => stream.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    const end = (reason: string): void => {
      signal.removeEventListener("abort", cancel);
      resolve(reason);
    };
    stream.on("data", (event: Event) => {
      try {
        onEvent(event);
      } catch (error) {
        end(error instanceof Error ? error.message : String(error));
        stream.cancel();
      }
    });
    stream.on("error", (error) => end(error.message));
    stream.on("end", () => end("the coordinator closed the stream"));
  });
}
