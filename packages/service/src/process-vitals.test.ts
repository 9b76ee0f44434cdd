import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { watchVitals } from "./process-vitals.js";

test("a loop that was blocked shows in the next sample, and no longer in the one after", async () => {
  const watch = watchVitals();
  try {
    await pause(50);
    watch.sample();
    await pause(50); // what begins with a sample is not measured
    const until = performance.now() + 300;
    while (performance.now() < until);
    await pause(20);
    const blocked = watch.sample();
    assert.ok(blocked.eventLoopDelayMs >= 200, `${blocked.eventLoopDelayMs} ms`);
    assert.ok(blocked.residentBytes > 1e6);
    // Nothing measured since: no delay, and never a number that is none.
    assert.equal(watch.sample().eventLoopDelayMs, 0);
  } finally {
    watch.stop();
  }
});
