import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backoff } from "./backoff.js";
import { type RetryOptions, retry } from "./retry.js";

const never = new AbortController().signal;
const always = () => true;

function fakeSleep(): Pick<Required<RetryOptions>, "sleep" | "backoff"> & { readonly delays: number[] } {
  const delays: number[] = [];
  return {
    delays,
    sleep: async (ms) => void delays.push(ms),
    backoff: backoff({ baseMs: 10, maxMs: 40, factor: 2, jitter: false }),
  };
}

describe("retry", () => {
  it("tries until it works, waiting longer each time", async () => {
    const { delays, ...clock } = fakeSleep();
    const told: number[] = [];
    const result = await retry(
      async (attempt) => {
        if (attempt < 5) throw new Error(`attempt ${attempt}`);
        return `worked at attempt ${attempt}`;
      },
      { ...clock, signal: never, shouldRetry: always, onRetry: ({ failedAttempts }) => void told.push(failedAttempts) },
    );
    assert.equal(result, "worked at attempt 5");
    assert.deepEqual(delays, [10, 20, 40, 40]);
    assert.deepEqual(told, [1, 2, 3, 4]);
  });

  it("gives up at once on a failure that no retry can mend", async () => {
    const { delays, ...clock } = fakeSleep();
    const fatal = new Error("numerics differ");
    let attempts = 0;
    const work = async () => {
      attempts++;
      throw fatal;
    };
    await assert.rejects(retry(work, { ...clock, signal: never, shouldRetry: (error) => error !== fatal }), fatal);
    assert.equal(attempts, 1);
    assert.deepEqual(delays, []);
  });

  it("ends with the signal's reason, during a wait too", async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const slept = retry(() => Promise.reject(new Error("down")), {
      signal: controller.signal,
      backoff: () => 1_000_000,
      shouldRetry: always,
      onRetry: () => queueMicrotask(() => controller.abort(reason)),
    });
    await assert.rejects(slept, reason);
  });

  it("does not start work when the signal is aborted already", async () => {
    const { delays: _delays, ...clock } = fakeSleep();
    let attempts = 0;
    const options = { ...clock, signal: AbortSignal.abort(new Error("stop")), shouldRetry: always };
    await assert.rejects(
      retry(async () => void attempts++, options),
      /stop/,
    );
    assert.equal(attempts, 0);
  });
});
