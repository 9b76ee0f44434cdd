// Owns trying again: until it works, the failure is one that a retry cannot mend, or the signal says stop.
import { type Backoff, sleep } from "./backoff.js";

export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly backoff: Backoff;
  /** Whether this failure may pass by itself. */
  readonly shouldRetry: (error: unknown) => boolean;
  /** Before each wait; `failedAttempts` counts from 1. */
  readonly onRetry?: (failure: {
    readonly error: unknown;
    readonly failedAttempts: number;
    readonly delayMs: number;
  }) => void;
  /** Default: sleep by the real clock. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Rejects with the failure that shouldRetry turned down, or with `signal.reason`. Work gets the attempt, from 1. */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    options.signal.throwIfAborted();
    try {
      return await work(attempt);
    } catch (error) {
      options.signal.throwIfAborted();
      if (!options.shouldRetry(error)) throw error;
      const delayMs = options.backoff(attempt);
      options.onRetry?.({ error, failedAttempts: attempt, delayMs });
      await (options.sleep ?? sleep)(delayMs, options.signal);
    }
  }
}
