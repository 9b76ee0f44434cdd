import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { EventHub } from "./event-hub.js";

type Subscriber = Parameters<EventHub["subscribe"]>[0];

test("a subscriber that does not keep up is dropped with a clear status; others go on", () => {
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
  // Of a server's stream the hub uses what any object stream has.
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

test("who subscribes while the streams are being ended hears no snapshot, and why", async () => {
  const hub = new EventHub({ coordinatorGeneration: 3, unixMs: () => 5 });
  // It does not take its last event until the close gives it up.
  const slow = new Writable({ objectMode: true, write: () => {} });
  hub.subscribe(slow as unknown as Subscriber, []); // as above
  hub.publish({ $case: "checkpointWritten", value: { step: 1, path: "", sizeBytes: 0, seconds: 0 } });
  const patience = new AbortController();
  const closed = hub.close(patience.signal);
  const errors: { code: number; details: string }[] = [];
  const late = new Writable({ objectMode: true, write: () => assert.fail("it hears the snapshot") });
  late.on("error", (error) => errors.push(error as unknown as { code: number; details: string }));
  hub.subscribe(late as unknown as Subscriber, [
    { $case: "runFinished", value: { completed: true, reason: "", step: 1, weightsSha256: "", failed: false } },
  ]);
  assert.deepEqual(
    errors.map(({ code, details }) => [code, details]),
    [[status.UNAVAILABLE, "the coordinator ends; subscribe again when it is back"]],
  );
  assert.equal(hub.numSubscribers, 0);
  patience.abort();
  await closed;
});
