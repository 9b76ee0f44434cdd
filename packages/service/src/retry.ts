// Repeats work with `retry` until it succeeds, fails in a way that another attempt cannot mend, or the signal is aborted.
// Not p-retry: its present release needs Node 22, it refuses failures that are TypeErrors, and `backoff` is needed without it too.
import { type Backoff, sleep } from "./backoff.js";

export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly backoff: Backoff;
  /** Whether this failure may pass by itself. */
  readonly shouldRetry: (error: unknown) => boolean;
  /** Called before each wait; `failedAttempts` counts from 1. */
  readonly onRetry?: (failure: {
    readonly error: unknown;
    readonly failedAttempts: number;
    readonly delayMs: number;
  }) => void;
  /** Default: sleep by the real clock. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Rejects with the failure for which shouldRetry was false, or with `signal.reason`. `attempt` counts from 1. */
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
