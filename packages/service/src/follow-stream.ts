// Owns keeping a server's stream of messages open: across the server's restarts, until nobody wants it any more.
import type { ClientReadableStream } from "@grpc/grpc-js";
import { describeError } from "@lockstep/errors";
import { type Backoff, sleep } from "./backoff.js";
import { describeCallFailure } from "./call-failure.js";

export interface StreamFollower<Message> {
  /** A stream is opened, for the first time or again. */
  onOpening?(): void;
  /** What it throws breaks the stream off: then that is why it was lost. */
  onMessage(message: Message): void;
  /** The stream has ended, for this reason; it will be opened again unless the signal is aborted. */
  onLost(reason: string): void;
}

/** Resolves when `signal` is aborted. The wait grows with each stream that ended without a message. */
export async function followStream<Message>(
  open: () => ClientReadableStream<Message>,
  follower: StreamFollower<Message>,
  { signal, backoff }: { readonly signal: AbortSignal; readonly backoff: Backoff },
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    follower.onOpening?.();
    const onMessage = (message: Message): void => {
      follower.onMessage(message);
      failures = 0; // one that is not understood is a failure again
    };
    const reason = await readStream(open(), signal, onMessage);
    failures++;
    follower.onLost(reason);
    await sleep(backoff(failures), signal).catch(() => {}); // aborted: looked at by the loop
  }
}

/** Resolves with why the stream ended. */
function readStream<Message>(
  stream: ClientReadableStream<Message>,
  signal: AbortSignal,
  onMessage: (message: Message) => void,
): Promise<string> {
  return new Promise((resolve) => {
    const cancel = (): void => stream.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    const end = (reason: string): void => {
      signal.removeEventListener("abort", cancel);
      stream.off("data", hear);
      resolve(reason);
    };
    const hear = (message: Message): void => {
      try {
        onMessage(message);
      } catch (error) {
        end(describeError(error));
        stream.cancel();
      }
    };
    stream.on("data", hear);
    stream.on("error", (error) => end(describeCallFailure(error))); // after a cancel, too
    stream.on("end", () => end("the server closed the stream"));
  });
}
