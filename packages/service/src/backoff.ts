// Owns waiting: sleep, and how long to wait before trying again.

/** Delay before attempt n + 1, n counting from 1 the attempts that failed. */
export type Backoff = (failedAttempts: number) => number;

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly factor: number;
  /** Draws from [0, 1): the delay lies between half and all of itself. false: the same delays each time. */
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
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
