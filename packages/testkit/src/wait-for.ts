// Owns waiting, in a test, for what another process does: it looks again and again until there is something to see, and
// names what it waited for when it gives up.
import { setTimeout as pause } from "node:timers/promises";

const pollMs = 20;

/** @throws when the deadline has passed, or `hopeless` says why nothing will come */
export async function waitFor<Value>(options: {
  /** For people, e.g. `step 3`. */
  readonly what: string;
  readonly deadlineMs: number;
  /** Undefined: not yet. */
  readonly look: () => Promise<Value | undefined>;
  readonly hopeless?: () => string | null;
}): Promise<Value> {
  const { what, deadlineMs, look, hopeless = () => null } = options;
  const giveUpMs = performance.now() + deadlineMs;
  for (;;) {
    const reason = hopeless(); // before looking: what came last is still seen
    const seen = await look();
    if (seen !== undefined) return seen;
    if (reason !== null) throw new Error(`waited for ${what}: ${reason}`);
    if (performance.now() > giveUpMs) throw new Error(`waited for ${what}: not within ${deadlineMs} ms`);
    await pause(pollMs);
  }
}
