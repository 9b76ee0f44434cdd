import assert from "node:assert/strict";
import { test } from "node:test";
import { cosineOfHalfTurns, learningRateAt } from "./learning-rate.js";

test("the rate rises linearly to the peak during warm-up, and then stays constant", () => {
  const schedule = { name: "constant", warmupSteps: 4, finalFraction: 0 } as const;
  const rates = [0, 1, 2, 3, 4, 99].map((step) => learningRateAt(schedule, step, 100, 0.8));
  assert.deepEqual(rates, [0.2, 0.4, (0.8 * 3) / 4, 0.8, 0.8, 0.8]);
});

test("the cosine starts at the peak, is half way down in the middle, and ends at the final fraction", () => {
  const schedule = { name: "cosine", warmupSteps: 0, finalFraction: 0.1 } as const;
  const rates = [0, 5, 10].map((step) => learningRateAt(schedule, step, 11, 1));
  assert.deepEqual(rates, [1, 0.1 + 0.9 * 0.5, 0.1]);
});

test("after warm-up the cosine falls from the first step with the peak to the last step", () => {
  const schedule = { name: "cosine", warmupSteps: 3, finalFraction: 0 } as const;
  const rates = Array.from({ length: 11 }, (_, step) => learningRateAt(schedule, step, 11, 2));
  assert.equal(rates[2], 2);
  assert.equal(rates[6], 1);
  assert.equal(rates[10], 0);
  assert.ok(rates.every((rate, step) => (step <= 2 ? rate >= (rates[step - 1] ?? 0) : rate < (rates[step - 1] ?? 0))));
});

test("the rate is finite in a run of one step, also when the warm-up is longer than the run", () => {
  for (const warmupSteps of [0, 1, 5]) {
    for (const name of ["constant", "cosine"] as const) {
      const rate = learningRateAt({ name, warmupSteps, finalFraction: 0 }, 0, 1, 1);
      assert.equal(rate, warmupSteps === 5 ? 0.2 : 1);
    }
  }
});

test("cosineOfHalfTurns agrees with Math.cos within 4e-16, and is exact at 0, 1/2 and 1", () => {
  assert.deepEqual([0, 0.5, 1].map(cosineOfHalfTurns), [1, 0, -1]);
  for (let i = 0; i <= 10_000; i += 1) {
    const x = i / 10_000;
    const difference = Math.abs(cosineOfHalfTurns(x) - Math.cos(Math.PI * x));
    assert.ok(difference <= 4e-16, `x ${x}: off by ${difference}`);
  }
});
