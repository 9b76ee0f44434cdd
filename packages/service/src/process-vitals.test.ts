import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { watchVitals } from "./process-vitals.js";

function block(forMs: number): void {
  const until = performance.now() + forMs;
  while (performance.now() < until);
}

test("a blocked event loop is reported by every sample of a span, and by none after two", async () => {
  const spanMs = 1000;
  const watch = watchVitals({ spanMs });
  try {
    assert.equal(watch.sample().eventLoopDelayMs, 0);
    await pause(50);
    block(300);
    const blockedAtMs = performance.now();
    await pause(20);
    const first = watch.sample();
    assert.ok(first.eventLoopDelayMs >= 250, `${first.eventLoopDelayMs} ms`);
    assert.ok(first.residentBytes > 1e6);
    assert.ok(watch.sample().eventLoopDelayMs >= 250);
    let toldForMs = 0;
    while (watch.sample().eventLoopDelayMs >= 250) {
      toldForMs = performance.now() - blockedAtMs;
      assert.ok(toldForMs < 20_000, "it is told for ever");
      await pause(20);
    }
    assert.ok(toldForMs >= spanMs / 2, `${toldForMs} ms`);
  } finally {
    watch.stop();
  }
});

for (const { when, spanMs, waitMs } of [
  { when: "of a sample", spanMs: 60_000, waitMs: 50 },
  { when: "of a sample that begins a new span", spanMs: 2000, waitMs: 2100 },
]) {
  test(`a delay that begins in the turn ${when} is reported`, async () => {
    const watch = watchVitals({ spanMs });
    try {
      await pause(waitMs);
      watch.sample();
      block(300);
      await pause(20);
      const { eventLoopDelayMs } = watch.sample();
      assert.ok(eventLoopDelayMs >= 250, `${eventLoopDelayMs} ms`);
    } finally {
      watch.stop();
    }
  });
}
