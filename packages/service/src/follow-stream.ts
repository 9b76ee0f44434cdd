// Reads a server's stream of messages with `followStream`, and opens it again after each end, until a signal is aborted.
import type { ClientReadableStream } from "@grpc/grpc-js";
import { describeError } from "@lockstep/errors";
import { type Backoff, sleep } from "./backoff.js";
import { describeCallFailure } from "./call-failure.js";

export interface StreamFollower<Message> {
  /** Called before a stream is opened, for the first time or again. */
  onOpening?(): void;
  /** An error that it throws ends the stream, and becomes the reason for onLost. */
  onMessage(message: Message): void;
  /** Called when the stream has ended. It will be opened again unless the signal is aborted. */
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
      failures = 0; // not reached by a message that onMessage refuses
    };
    const reason = await readStream(open(), signal, onMessage);
    failures++;
    follower.onLost(reason);
    await sleep(backoff(failures), signal).catch(() => {}); // aborted: the loop's condition checks that
  }
}

/** Resolves with the reason why the stream ended. */
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
      stream.off("data", receive);
      resolve(reason);
    };
    const receive = (message: Message): void => {
      try {
        onMessage(message);
      } catch (error) {
        end(describeError(error));
        stream.cancel();
      }
    };
    stream.on("data", receive);
    stream.on("error", (error) => end(describeCallFailure(error))); // a cancel is reported here too
    stream.on("end", () => end("the server closed the stream"));
  });
}
