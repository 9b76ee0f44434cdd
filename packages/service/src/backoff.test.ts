import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backoff, sleep } from "./backoff.js";

describe("backoff", () => {
  it("multiplies up to its largest delay and stays there", () => {
    const delayMs = backoff({ baseMs: 100, maxMs: 1_000, factor: 2, jitter: false });
    assert.deepEqual([1, 2, 3, 4, 5, 6, 2_000].map(delayMs), [100, 200, 400, 800, 1_000, 1_000, 1_000]);
  });

  it("keeps jitter between half of the delay and all of it", () => {
    const lowest = backoff({ baseMs: 100, maxMs: 1_000, factor: 2, jitter: () => 0 });
    const highest = backoff({ baseMs: 100, maxMs: 1_000, factor: 2, jitter: () => 1 });
    assert.deepEqual([1, 2, 9].map(lowest), [50, 100, 500]);
    assert.deepEqual([1, 2, 9].map(highest), [100, 200, 1_000]);
  });

  it("refuses settings that would wait for no time or shrink", () => {
    assert.throws(() => backoff({ baseMs: 0, maxMs: 1, factor: 2, jitter: false }));
    assert.throws(() => backoff({ baseMs: 2, maxMs: 1, factor: 2, jitter: false }));
    assert.throws(() => backoff({ baseMs: 1, maxMs: 1, factor: 0.5, jitter: false }));
  });
});

describe("sleep", () => {
  it("resolves when its time has come, not before", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let awake = false;
    const slept = sleep(1_000, new AbortController().signal).then(() => {
      awake = true;
    });
    t.mock.timers.tick(999);
    await Promise.resolve();
    assert.equal(awake, false);
    t.mock.timers.tick(1);
    await slept;
    assert.equal(awake, true);
  });

  it("rejects with the signal's reason as soon as it is aborted", async () => {
    const controller = new AbortController();
    const slept = sleep(1_000_000, controller.signal);
    const reason = new Error("stop");
    controller.abort(reason);
    await assert.rejects(slept, reason);
    await assert.rejects(sleep(1_000_000, controller.signal), reason);
  });
});
