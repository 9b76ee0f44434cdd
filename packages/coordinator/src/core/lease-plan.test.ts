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

test("one worker gets the whole pass, two of equal speed a half each", () => {
  assert.deepEqual(plan(8, [worker(0)]), ["0: 0+8"]);
  assert.deepEqual(plan(8, [worker(0), worker(1)]), ["0: 0+4", "1: 4+4"]);
});

test("a worker three times as fast gets three quarters, one subtree at a time", () => {
  assert.deepEqual(plan(4, [worker(0, { roundMs: 100 }), worker(1, { roundMs: 300 })]), ["0: 2+2", "1: 0+1"]);
});

test("every idle worker gets work while there are micro-batches, however slow it is", () => {
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

test("a worker that has not been measured counts as average", () => {
  assert.deepEqual(plan(8, [worker(0, { roundMs: null }), worker(1)]), ["0: 0+4", "1: 4+4"]);
  assert.deepEqual(plan(8, [worker(0, { roundMs: null }), worker(1, { roundMs: null })]), ["0: 0+4", "1: 4+4"]);
});

test("leases are not cut below a worker's compute threads where there are enough micro-batches", () => {
  const twins = [worker(0, { computeThreads: 4 }), worker(1, { computeThreads: 4 })];
  assert.deepEqual(plan(8, twins), ["0: 0+4", "1: 4+4"]);
  assert.deepEqual(plan(16, twins), ["0: 0+8", "1: 8+8"]);
  assert.deepEqual(plan(2, twins), ["0: 0+1", "1: 1+1"]);
});

test("a busy worker gets nothing, but what it can take soon is left for it", () => {
  assert.deepEqual(plan(8, [worker(0, { busyMs: 10 }), worker(1)]), ["1: 0+4"]);
  assert.deepEqual(plan(8, [worker(0, { busyMs: 1e9 }), worker(1)]), ["1: 0+8"]);
});

test("nobody idle or nothing outstanding gives no lease", () => {
  assert.deepEqual(plan(8, []), []);
  assert.deepEqual(plan(8, [worker(0, { busyMs: 5 })]), []);
  assert.deepEqual(plan(8, [worker(0)], { outstanding: [] }), []);
});

test("a lease is no larger than its limit", () => {
  assert.deepEqual(plan(40, [worker(0)], { maxCount: 8 }), ["0: 0+8"]);
});

test("a lease takes as many rounds as its micro-batches fill", () => {
  assert.equal(leaseMs({ computeThreads: 2 }, 100, 5), 300);
});
