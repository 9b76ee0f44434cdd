import assert from "node:assert/strict";
import { test } from "node:test";
import { CounterRandom, fillUniform, permutation, randomDomain } from "./counter-random.js";
import { philox4x32 } from "./philox.js";

test("draw i does not depend on earlier draws", () => {
  const forwards = new CounterRandom(7, randomDomain.dropout, 3, 1);
  const ascending = Array.from({ length: 40 }, (_, i) => forwards.uint32(i));
  const backwards = new CounterRandom(7, randomDomain.dropout, 3, 1);
  const descending = Array.from({ length: 40 }, (_, i) => backwards.uint32(39 - i)).reverse();
  assert.deepEqual(descending, ascending);
});

test("the key is seed and domain; the counter is the draw's block and the coordinates", () => {
  const random = new CounterRandom(0xffffffff, randomDomain.augmentation, 5, 6, 7);
  const block = new Uint32Array(4);
  philox4x32([0xffffffff, randomDomain.augmentation], [2 ** 31, 5, 6, 7], block);
  assert.equal(random.uint32(2 ** 33 + 2), block[2]);
});

test("another seed, domain or coordinate gives other numbers", () => {
  const first = (random: CounterRandom) => random.uint32(0);
  const draws = [
    new CounterRandom(1, randomDomain.split),
    new CounterRandom(2, randomDomain.split),
    new CounterRandom(1, randomDomain.subset),
    new CounterRandom(1, randomDomain.split, 1),
    new CounterRandom(1, randomDomain.split, 0, 1),
    new CounterRandom(1, randomDomain.split, 0, 0, 1),
  ].map(first);
  assert.equal(new Set(draws).size, draws.length);
});

test("no two domains share a value", () => {
  const values = Object.values(randomDomain);
  assert.equal(new Set(values).size, values.length);
});

test("uniform draws are in [0, 1), are exact in float32 and have the mean and variance of the uniform distribution", () => {
  const random = new CounterRandom(11, randomDomain.dropout);
  const draws = Array.from({ length: 100_000 }, (_, i) => random.uniform(i));
  assert.ok(draws.every((value) => value >= 0 && value < 1 && Math.fround(value) === value));
  const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
  const variance = draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws.length;
  // Four standard errors.
  assert.ok(Math.abs(mean - 1 / 2) < 4 * Math.sqrt(1 / 12 / draws.length), `mean ${mean}`);
  assert.ok(Math.abs(variance - 1 / 12) < 4 * Math.sqrt(1 / 180 / draws.length), `variance ${variance}`);
});

test("fillUniform gives the draws that start at `first`, for any start and length", () => {
  const random = new CounterRandom(5, randomDomain.dropout, 9, 8, 7);
  for (const first of [0, 1, 2, 3, 4, 1001, 2 ** 32 - 1]) {
    for (const length of [0, 1, 3, 4, 5, 33]) {
      const out = new Float32Array(length);
      fillUniform(random, out, first);
      const expected = Array.from({ length }, (_, i) => random.uniform(first + i));
      assert.deepEqual([...out], expected, `first ${first}, length ${length}`);
    }
  }
});

test("a permutation contains every index once, for every size", () => {
  for (const n of [0, 1, 2, 3, 10, 1000]) {
    const order = permutation(new CounterRandom(3, randomDomain.epochOrder, n), n);
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      Array.from({ length: n }, (_, i) => i),
    );
  }
});

test("all 24 permutations of four elements occur equally often", () => {
  const rounds = 24_000;
  const counts = new Map<string, number>();
  for (let round = 0; round < rounds; round += 1) {
    const order = permutation(new CounterRandom(29, randomDomain.epochOrder, round), 4).join();
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.equal(counts.size, 24);
  const expected = rounds / 24;
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // With 23 degrees of freedom, 1 of 1000 cases is above 49.7. The draws are fixed, so the test always has the same result.
  assert.ok(chiSquare < 49.7, `chi-square ${chiSquare}`);
});

test("the first permutation is fixed: another one needs a new numericsVersion", () => {
  assert.deepEqual(
    [...permutation(new CounterRandom(7, randomDomain.epochOrder, 0), 10)],
    [4, 7, 0, 3, 6, 2, 9, 5, 1, 8],
  );
});

test("CounterRandom refuses values that are not uint32", () => {
  assert.throws(() => new CounterRandom(-1, randomDomain.split), /-1: must be an integer from 0 to 2\^32 - 1/);
  assert.throws(() => new CounterRandom(1, randomDomain.split, 0.5), RangeError);
  assert.throws(() => new CounterRandom(1, randomDomain.split, 1, 2, 3, 4), /4 coordinates, at most 3/);
  const random = new CounterRandom(1, randomDomain.split);
  assert.throws(() => random.uint32(2 ** 34), RangeError);
  assert.throws(() => random.uint32(-1), RangeError);
  assert.throws(() => random.uint32(0.5), /draw 0.5: must be an integer/);
  assert.throws(() => permutation(random, 2.5), RangeError);
});
