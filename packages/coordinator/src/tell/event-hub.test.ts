import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { EventHub } from "./event-hub.js";

type Subscriber = Parameters<EventHub["subscribe"]>[0];

test("a subscriber that is too slow is dropped with RESOURCE_EXHAUSTED, and the others go on", () => {
  const hub = new EventHub({ coordinatorGeneration: 3, unixMs: () => 5, queueLength: 4 });
  const errors: { code: number; details: string }[] = [];
  const stuck = new Writable({ objectMode: true, write: () => {} });
  stuck.on("error", (error) => errors.push(error as unknown as { code: number; details: string }));
  const seen: number[] = [];
  const quick = new Writable({
    objectMode: true,
    write: ({ sequence }, _, done) => {
      seen.push(sequence);
      done();
    },
  });
  // The hub uses only the methods that every object stream has.
  hub.subscribe(stuck as unknown as Subscriber, []);
  hub.subscribe(quick as unknown as Subscriber, []);
  for (let step = 0; step < 6; step++) {
    hub.publish({ $case: "checkpointWritten", value: { step, path: "", sizeBytes: 0, seconds: 0 } });
  }
  assert.equal(errors.length, 1);
  assert.equal(errors[0]?.code, status.RESOURCE_EXHAUSTED);
  assert.match(errors[0]?.details ?? "", /4 events behind/);
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6]);
  assert.equal(hub.numSubscribers, 1);
});

test("a subscriber during close() gets UNAVAILABLE and no snapshot", async () => {
  const hub = new EventHub({ coordinatorGeneration: 3, unixMs: () => 5 });
  // This subscriber does not take its last event, so close() ends at the signal.
  const slow = new Writable({ objectMode: true, write: () => {} });
  hub.subscribe(slow as unknown as Subscriber, []); // as above
  hub.publish({ $case: "checkpointWritten", value: { step: 1, path: "", sizeBytes: 0, seconds: 0 } });
  const timeout = new AbortController();
  const closed = hub.close(timeout.signal);
  const errors: { code: number; details: string }[] = [];
  const late = new Writable({ objectMode: true, write: () => assert.fail("the subscriber received the snapshot") });
  late.on("error", (error) => errors.push(error as unknown as { code: number; details: string }));
  hub.subscribe(late as unknown as Subscriber, [
    { $case: "runFinished", value: { completed: true, reason: "", step: 1, weightsSha256: "", failed: false } },
  ]);
  assert.deepEqual(
    errors.map(({ code, details }) => [code, details]),
    [[status.UNAVAILABLE, "the coordinator is ending; subscribe again when it has restarted"]],
  );
  assert.equal(hub.numSubscribers, 0);
  timeout.abort();
  await closed;
});
