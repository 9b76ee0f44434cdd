import assert from "node:assert/strict";
import { test } from "node:test";
import { Event } from "@lockstep/protocol";
import { RunCounters } from "./run-counters.js";

type Body = NonNullable<Event["event"]>;

function eventOf($case: Body["$case"], value: object): Event {
  return Event.fromPartial({ event: { $case, value } as Body }); // fromPartial adds the missing fields
}

test("a worker's totals are wall-clock seconds, also when the workers in its slot had different threads", () => {
  const counters = new RunCounters([]);
  const step = (computeThreads: number) => {
    const seconds = { forwardSeconds: computeThreads, backwardSeconds: computeThreads, sumSeconds: computeThreads };
    counters.count(eventOf("stepCommitted", { phases: [{ slot: 0, computeThreads, ...seconds, loadSeconds: 2 }] }));
    const { forwardSeconds, backwardSeconds, sumSeconds, loadSeconds } = counters.ofWorker(0);
    return [forwardSeconds, backwardSeconds, sumSeconds, loadSeconds];
  };
  // Each step computes for one second.
  assert.deepEqual(
    [1, 1, 4, 1].map((threads) => step(threads)),
    [1, 2, 3, 4].map((seconds) => [seconds, seconds, seconds, 2 * seconds]),
  );
});

test("micro-batches of steps and of validations are counted separately; seconds are those of steps only", () => {
  const counters = new RunCounters([]);
  const phases = [{ slot: 1, computeThreads: 1, microBatches: 3, loadSeconds: 5 }];
  counters.count(eventOf("stepCommitted", { phases }));
  counters.count(eventOf("epochValidated", { phases: [{ ...phases[0], microBatches: 7 }] }));
  const { trainMicroBatches, validateMicroBatches, loadSeconds } = counters.ofWorker(1);
  assert.deepEqual([trainMicroBatches, validateMicroBatches, loadSeconds], [3, 7, 5]);
  assert.equal(counters.ofWorker(0).trainMicroBatches, 0);
});
