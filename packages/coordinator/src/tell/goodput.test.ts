import assert from "node:assert/strict";
import { test } from "node:test";
import type { GoodputRecord } from "@lockstep/protocol";
import { carriedOver, Goodput, type PreviousEnd } from "./goodput.js";

/** A life that began at `beganAtMs`, as it stands when it has been productive for `productiveSeconds` at `nowMs`. */
function life(
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

const first = life(null, { beganAtMs: 0, nowMs: 100_000, productiveSeconds: 80, previousEnd: null });

test("of a first life it is the productive time over the time since it began", () => {
  assert.equal(first.ratio, 0.8);
  assert.deepEqual(first.record, { productiveSeconds: 80, wallSeconds: 100, savedAtMs: 100_000 });
});

test("what a crash threw away counts against it, and the time until the next life began", () => {
  // The checkpoint was of 100 s; the crash came later, and at 200 s the next life began.
  const crashed = { beganAtMs: 200_000, nowMs: 300_000, productiveSeconds: 80, previousEnd: null };
  assert.equal(life(first.record, crashed).ratio, (80 + 80) / 300);
});

test("the night between a stop and the resume does not count, but the time until the stop does", () => {
  const resumed = { beganAtMs: 50_000_000, nowMs: 50_100_000, productiveSeconds: 80 };
  assert.equal(life(first.record, { ...resumed, previousEnd: { wallSeconds: 100 } }).ratio, 0.8);
  // It stood without workers for 200 s after its last checkpoint, or without any.
  assert.equal(life(first.record, { ...resumed, previousEnd: { wallSeconds: 300 } }).ratio, (80 + 80) / 400);
  assert.equal(life(null, { ...resumed, previousEnd: { wallSeconds: 300 } }).ratio, 80 / 400);
  // An older release has not written it down.
  assert.equal(life(first.record, { ...resumed, previousEnd: { wallSeconds: null } }).ratio, 0.8);
});

test("a clock that went back makes no ratio above 1", () => {
  const back = { beganAtMs: 50_000, nowMs: 50_000, productiveSeconds: 0, previousEnd: null };
  assert.equal(life(first.record, back).ratio, 0.8);
  assert.equal(life(null, { ...back, productiveSeconds: 5, nowMs: 51_000 }).ratio, 1);
});
