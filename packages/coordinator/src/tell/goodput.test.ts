import assert from "node:assert/strict";
import { test } from "node:test";
import type { GoodputRecord } from "@lockstep/protocol";
import { carriedOver, Goodput, type PreviousEnd } from "./goodput.js";

/** The goodput at `nowMs` of a generation that began at `beganAtMs` and was productive for `productiveSeconds`. */
function goodputOf(
  stored: GoodputRecord | null,
  now: {
    readonly beganAtMs: number;
    readonly nowMs: number;
    readonly productiveSeconds: number;
    readonly previousEnd: PreviousEnd | null;
  },
): Goodput {
  const { beganAtMs, nowMs, productiveSeconds } = now;
  return new Goodput({
    carried: carriedOver(stored, now),
    productiveSeconds: () => productiveSeconds,
    beganAtMs,
    unixMs: () => nowMs,
  });
}

const first = goodputOf(null, { beganAtMs: 0, nowMs: 100_000, productiveSeconds: 80, previousEnd: null });

test("in the first generation goodput is the productive time divided by the time since its start", () => {
  assert.equal(first.ratio, 0.8);
  assert.deepEqual(first.record, { productiveSeconds: 80, wallSeconds: 100, savedAtMs: 100_000 });
});

test("the work that a crash loses and the time until the restart lower the goodput", () => {
  // The checkpoint was written at 100 s. The next generation began at 200 s, after a crash.
  const crashed = { beganAtMs: 200_000, nowMs: 300_000, productiveSeconds: 80, previousEnd: null };
  assert.equal(goodputOf(first.record, crashed).ratio, (80 + 80) / 300);
});

test("the time between a stop and the resume does not count; the time until the stop does", () => {
  const resumed = { beganAtMs: 50_000_000, nowMs: 50_100_000, productiveSeconds: 80 };
  assert.equal(goodputOf(first.record, { ...resumed, previousEnd: { wallSeconds: 100 } }).ratio, 0.8);
  // It had no workers for 200 s after its last checkpoint, or never wrote one.
  assert.equal(goodputOf(first.record, { ...resumed, previousEnd: { wallSeconds: 300 } }).ratio, (80 + 80) / 400);
  assert.equal(goodputOf(null, { ...resumed, previousEnd: { wallSeconds: 300 } }).ratio, 80 / 400);
  // An older release did not store the time.
  assert.equal(goodputOf(first.record, { ...resumed, previousEnd: { wallSeconds: null } }).ratio, 0.8);
});

test("when the clock is set back, the ratio stays at most 1", () => {
  const back = { beganAtMs: 50_000, nowMs: 50_000, productiveSeconds: 0, previousEnd: null };
  assert.equal(goodputOf(first.record, back).ratio, 0.8);
  assert.equal(goodputOf(null, { ...back, productiveSeconds: 5, nowMs: 51_000 }).ratio, 1);
});
