// Waits with `sleep`, and computes with `backoff` how long to wait before the next attempt.
import { setTimeout } from "node:timers/promises";

/** The delay after so many failed attempts, from 1. */
export type Backoff = (failedAttempts: number) => number;

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly factor: number;
  /** Draws from [0, 1): the delay is between half and all of its full value. false: always the full value. */
  readonly jitter: false | (() => number);
}

/** baseMs, baseMs * factor, baseMs * factor^2, ... up to maxMs. */
export function backoff({ baseMs, maxMs, factor, jitter }: BackoffOptions): Backoff {
  if (!(baseMs > 0 && maxMs >= baseMs && factor >= 1)) {
    throw new Error(`backoff: needs 0 < baseMs (${baseMs}) <= maxMs (${maxMs}) and factor (${factor}) >= 1`);
  }
  return (failedAttempts) => {
    const delayMs = Math.min(maxMs, baseMs * factor ** (failedAttempts - 1));
    return jitter === false ? delayMs : delayMs * (0.5 + jitter() / 2);
  };
}

/** Resolves after `ms`; rejects with `signal.reason` as soon as the signal is aborted. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {
    throw signal.reason; // nothing else makes it reject; its own error has the reason as its cause
  });
}
