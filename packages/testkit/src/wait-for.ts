// Waits in a test for an effect of another process with `waitFor`. It polls, and its error names what it waited for.
import { setTimeout as pause } from "node:timers/promises";

const pollMs = 20;

/**
 * Calls `look` until it returns a value.
 * @throws Error if the deadline has passed, or `failure` returns a reason
 */
export async function waitFor<Value>(options: {
  /** What is awaited, for the error message, for example `step 3`. */
  readonly what: string;
  readonly deadlineMs: number;
  /** Returns undefined as long as the effect is not visible. */
  readonly look: () => Promise<Value | undefined>;
  /** Returns why the effect cannot come any more; null while it can. */
  readonly failure?: () => string | null;
}): Promise<Value> {
  const { what, deadlineMs, look, failure = () => null } = options;
  const giveUpMs = performance.now() + deadlineMs;
  for (;;) {
    const reason = failure(); // called before `look`, so that an effect of the last moment is found
    const seen = await look();
    if (seen !== undefined) return seen;
    if (reason !== null) throw new Error(`waited for ${what}: ${reason}`);
    if (performance.now() > giveUpMs) throw new Error(`waited for ${what}: not within ${deadlineMs} ms`);
    await pause(pollMs);
  }
}
