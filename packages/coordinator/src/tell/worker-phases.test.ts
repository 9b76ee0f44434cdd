import assert from "node:assert/strict";
import { test } from "node:test";
import { PhaseSeconds } from "@lockstep/protocol";
import type { Contributor } from "../reduce/pass-sums.js";
import { passTimes } from "./worker-phases.js";

/** A lease of one micro-batch that is granted and received at these times. Its upload takes the last 100 ms. */
function lease(slot: number, grantedAtMs: number, receivedAtMs: number): Contributor {
  return {
    slot,
    generation: 1,
    node: { first: grantedAtMs, count: 1 },
    proofs: [],
    phaseSeconds: PhaseSeconds.create({ compute: 0.5, forward: 0.25, backward: 0.25 }),
    computeThreads: 2,
    grantedAtMs,
    uploadStartedAtMs: receivedAtMs - 100,
    receivedAtMs,
  };
}

test("the times of a worker's two leases are added, and it waits for the rest of the pass", () => {
  // Slot 1 computes from 0 to 1 s and from 1 to 3 s; slot 0 is done after 1.5 s.
  const { phases, busiestSeconds } = passTimes([lease(1, 0, 1000), lease(0, 0, 1500), lease(1, 1000, 3000)], {
    firstLeaseAtMs: 0,
  });
  assert.equal(busiestSeconds, 3);
  assert.deepEqual(
    phases.map(({ slot, microBatches, waitSeconds, barrierSeconds }) => [
      slot,
      microBatches,
      waitSeconds,
      barrierSeconds,
    ]),
    [
      [0, 1, 1.5, 1.5],
      [1, 2, 0, 3],
    ],
  );
  const [, slow] = phases;
  assert.deepEqual([slow?.computeSeconds, slow?.forwardSeconds, slow?.computeThreads], [1, 0.5, 2]);
  assert.ok(Math.abs((slow?.uploadSeconds ?? 0) - 0.2) < 1e-9);
});

test("when the next worker in the slot has other threads, seconds divided by threads is still wall-clock time", () => {
  const second = { ...lease(0, 1000, 2000), generation: 2, computeThreads: 8 };
  const [only] = passTimes([lease(0, 0, 1000), second], { firstLeaseAtMs: 0 }).phases;
  // 0.25 s over 2 threads, then 0.25 s over 8.
  assert.deepEqual([only?.computeThreads, (only?.forwardSeconds ?? 0) / 8], [8, 0.125 + 0.03125]);
});

test("the time until a lost lease is granted to another worker is not productive time", () => {
  // The first lease, at 0 s, was lost. The other worker got its node after 5 s.
  const { phases, busiestSeconds } = passTimes([lease(0, 100, 1100), lease(0, 5000, 6000)], { firstLeaseAtMs: 0 });
  assert.equal(busiestSeconds, 2);
  assert.deepEqual(
    phases.map(({ waitSeconds, barrierSeconds }) => [waitSeconds, barrierSeconds]),
    [[4, 6]],
  );
});

test("a worker without a lease has waited for the whole step, or since it joined", () => {
  const attendingWorkers = [
    { slot: 0, computeThreads: 2, sinceMs: -5000 },
    { slot: 1, computeThreads: 2, sinceMs: -5000 },
    { slot: 2, computeThreads: 4, sinceMs: 1500 },
  ];
  const { phases, busiestSeconds } = passTimes([lease(1, 100, 2000)], { firstLeaseAtMs: 0, attendingWorkers });
  assert.deepEqual(
    phases.map(({ slot, microBatches, waitSeconds, barrierSeconds, computeThreads }) => [
      ...[slot, microBatches, waitSeconds],
      ...[barrierSeconds, computeThreads],
    ]),
    [
      [0, 0, 2, 0, 2],
      [1, 1, 2 - 1.9, 2, 2],
      [2, 0, 0.5, 0, 4],
    ],
  );
  assert.equal(busiestSeconds, 1.9);
});

test("a pass without leases has no times", () => {
  assert.deepEqual(passTimes([]), { phases: [], busiestSeconds: 0 });
});
