import assert from "node:assert/strict";
import { it } from "node:test";
import { createTestBed } from "./testing/tiny-run.js";

it("heartbeats are sent while a compute thread is busy", async () => {
  // One micro-batch that takes the plain JavaScript backend some hundred milliseconds.
  const bed = await createTestBed({ imageSize: 16, widths: [16, 32], microBatch: 16 });
  try {
    const { coordinator } = bed;
    await coordinator.start();
    bed.startWorker();
    const session = await coordinator.sessions.next();
    coordinator.lease(session, { firstMicroBatch: 0, count: 1, numMicroBatches: 5 });
    await coordinator.fetched.next();
    const before = session.reports.numWaiting;
    const { header } = await coordinator.submissions.next();
    const { compute = 0, forward = 0, backward = 0 } = header.phaseSeconds ?? {};
    assert.ok(forward > 0 && backward > 0, `forward ${forward} s, backward ${backward} s`);
    assert.ok(Math.abs(forward + backward - compute) < 1e-6, `${forward} + ${backward} s of ${compute} s`);
    const numHeartbeats = session.reports.numWaiting - before;
    const computeMs = 1000 * compute;
    // A computation on the main thread's event loop would block all of them; a busy machine may block some.
    const due = Math.floor(computeMs / coordinator.heartbeatIntervalMs);
    assert.ok(due >= 8, `the computation took only ${computeMs} ms`);
    assert.ok(numHeartbeats >= due / 4, `${numHeartbeats} heartbeats instead of ${due} in ${computeMs} ms`);
  } finally {
    await bed.close();
  }
});
