// Owns reading a run's event stream: from any start order, across the coordinator's restarts, until the run has ended or
// nobody wants it any more.
import { type Event, TelemetryClient } from "@lockstep/protocol";
import { backoff, connect, type Log, sleep } from "@lockstep/service";

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
  let failures = 0;
  try {
    while (!signal.aborted) {
      const lost = await readStream(client, signal, (event) => {
        failures = 0;
        onEvent(event);
      });
      failures++;
      log.info({ address, failures, lost }, "the event stream ended");
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
    stream.on("data", onEvent);
    stream.on("error", (error) => end(error.message));
    stream.on("end", () => end("end of stream"));
  });
}
