import assert from "node:assert/strict";
import { test } from "node:test";
import { leaseMs, type PlannableWorker, planLeases } from "./lease-plan.js";

function worker(slot: number, options: Partial<PlannableWorker> = {}): PlannableWorker {
  return { slot, computeThreads: 1, roundMs: 100, busyMs: 0, ...options };
}

function plan(
  numMicroBatches: number,
  workers: PlannableWorker[],
  options: { outstanding?: { first: number; count: number }[]; maxCount?: number } = {},
): string[] {
  const planned = planLeases({
    numMicroBatches,
    outstanding: options.outstanding ?? [{ first: 0, count: numMicroBatches }],
    workers,
    leaseOverhead: 0.15,
    maxCount: options.maxCount ?? numMicroBatches,
  });
  return planned
    .sort((a, b) => a.slot - b.slot)
    .map(({ slot, node: { first, count } }) => `${slot}: ${first}+${count}`);
}

test("one worker gets the whole pass; two workers of equal speed get half of it each", () => {
  assert.deepEqual(plan(8, [worker(0)]), ["0: 0+8"]);
  assert.deepEqual(plan(8, [worker(0), worker(1)]), ["0: 0+4", "1: 4+4"]);
});

test("a worker that is three times as fast gets three quarters, in leases of one node each", () => {
  assert.deepEqual(plan(4, [worker(0, { roundMs: 100 }), worker(1, { roundMs: 300 })]), ["0: 2+2", "1: 0+1"]);
});

test("every idle worker gets a lease while there are micro-batches, even if it is slow", () => {
  assert.deepEqual(plan(2, [worker(0, { roundMs: 1 }), worker(1, { roundMs: 1000 })]).length, 2);
  assert.deepEqual(plan(2, [worker(0), worker(1), worker(2)]).length, 2);
  assert.deepEqual(
    plan(
      16,
      Array.from({ length: 5 }, (_, slot) => worker(slot)),
    ).length,
    5,
  );
});

test("a worker that has not been measured is planned with the mean speed", () => {
  assert.deepEqual(plan(8, [worker(0, { roundMs: null }), worker(1)]), ["0: 0+4", "1: 4+4"]);
  assert.deepEqual(plan(8, [worker(0, { roundMs: null }), worker(1, { roundMs: null })]), ["0: 0+4", "1: 4+4"]);
});

test("a lease has at least as many micro-batches as its worker has compute threads, if there are enough", () => {
  const twins = [worker(0, { computeThreads: 4 }), worker(1, { computeThreads: 4 })];
  assert.deepEqual(plan(8, twins), ["0: 0+4", "1: 4+4"]);
  assert.deepEqual(plan(16, twins), ["0: 0+8", "1: 8+8"]);
  assert.deepEqual(plan(2, twins), ["0: 0+1", "1: 1+1"]);
});

test("a busy worker gets no lease, but nodes that it can compute soon are left for it", () => {
  assert.deepEqual(plan(8, [worker(0, { busyMs: 10 }), worker(1)]), ["1: 0+4"]);
  assert.deepEqual(plan(8, [worker(0, { busyMs: 1e9 }), worker(1)]), ["1: 0+8"]);
});

test("without idle workers or outstanding nodes no lease is planned", () => {
  assert.deepEqual(plan(8, []), []);
  assert.deepEqual(plan(8, [worker(0, { busyMs: 5 })]), []);
  assert.deepEqual(plan(8, [worker(0)], { outstanding: [] }), []);
});

test("a lease has at most maxCount micro-batches", () => {
  assert.deepEqual(plan(40, [worker(0)], { maxCount: 8 }), ["0: 0+8"]);
});

test("the duration of a lease is counted in whole rounds", () => {
  assert.equal(leaseMs({ computeThreads: 2 }, 100, 5), 300);
});
