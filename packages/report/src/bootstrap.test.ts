import assert from "node:assert/strict";
import { test } from "node:test";
import { CounterRandom, randomDomain } from "@lockstep/numerics";
import { bootstrapIntervals, type Interval } from "./bootstrap.js";

/** @param right 1 for a right answer, 0 for a wrong one */
function accuracyInterval(right: ArrayLike<number>, resamples: number): Interval {
  const figures = (draws: Uint32Array) => {
    const hits = draws.reduce((sum, draw) => sum + (right[draw] ?? Number.NaN), 0);
    return { accuracy: hits / draws.length };
  };
  return bootstrapIntervals({ numSamples: right.length, resamples, figures }).accuracy;
}

function answers(number: number, count: number, share: number): Uint8Array {
  const random = new CounterRandom(number, randomDomain.scheduling);
  return Uint8Array.from({ length: count }, (_, i) => Number(random.uniform(i) < share));
}

/** The score interval of a share (Wilson, 1927). */
function wilson(share: number, count: number): Interval {
  const z = 1.959964;
  const middle = (share + z ** 2 / (2 * count)) / (1 + z ** 2 / count);
  const half = (z / (1 + z ** 2 / count)) * Math.sqrt((share * (1 - share)) / count + (z / (2 * count)) ** 2);
  return { low: middle - half, high: middle + half };
}

test("the interval has no width for a single image, and if all images are right", () => {
  assert.deepEqual(accuracyInterval([1], 50), { low: 1, high: 1 });
  assert.deepEqual(accuracyInterval([0], 50), { low: 0, high: 0 });
  assert.deepEqual(accuracyInterval(new Uint8Array(20).fill(1), 50), { low: 1, high: 1 });
});

test("for two images of which one is right, the interval is 0 to 1: a quarter of the resamples have accuracy 0, a quarter 1", () => {
  assert.deepEqual(accuracyInterval([1, 0], 1000), { low: 0, high: 1 });
});

test("all images are drawn equally often", () => {
  const counts = new Uint32Array(7);
  bootstrapIntervals({
    numSamples: 7,
    resamples: 2000,
    figures: (draws) => {
      for (const draw of draws) counts[draw] = (counts[draw] ?? 0) + 1;
      return { none: 0 };
    },
  });
  // 2,000 expected for each, standard deviation 41.
  for (const count of counts) assert.ok(Math.abs(count - 2000) < 170, `${counts}`);
});

test("the interval of an accuracy equals Wilson's interval to half a percent", () => {
  for (const share of [0.3, 0.8]) {
    const right = answers(1, 2000, share);
    const found = right.reduce((sum, value) => sum + value, 0) / right.length;
    const [interval, expected] = [accuracyInterval(right, 1000), wilson(found, right.length)];
    assert.ok(Math.abs(interval.low - expected.low) < 0.005, `${interval.low}, Wilson ${expected.low}`);
    assert.ok(Math.abs(interval.high - expected.high) < 0.005, `${interval.high}, Wilson ${expected.high}`);
  }
});

test("about 95 of 100 intervals contain the true value", () => {
  const numStudies = 300;
  const share = 0.7;
  let holding = 0;
  for (let study = 0; study < numStudies; study++) {
    const { low, high } = accuracyInterval(answers(1000 + study, 150, share), 300);
    if (low <= share && share <= high) holding += 1;
  }
  // 285 expected, standard deviation 3.8; the percentile method is a little narrow for 150 images.
  assert.ok(holding >= 270 && holding <= 297, `${holding} of ${numStudies}`);
});

test("the same data give the same interval, also after other intervals were computed", () => {
  const right = answers(3, 100, 0.5);
  const first = accuracyInterval(right, 200);
  accuracyInterval(answers(4, 31, 0.5), 20);
  assert.deepEqual(accuracyInterval(right, 200), first);
});
