import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UserError } from "@lockstep/errors";
import { CounterRandom, randomDomain } from "@lockstep/numerics";
import { fairfaceClasses, fairfaceLabels } from "../fairface/fairface-labels.js";
import { labelTable, numStrata, strataOf } from "../labels/label-table.js";
import { drawSplit, type Split, type SplitInput, type SplitSettings } from "./split.js";

/** Made labels with rare and frequent strata; every `duplicateEvery`-th sample repeats the bytes of the one before. */
function madeInput(numSamples: number, duplicateEvery = Number.POSITIVE_INFINITY): SplitInput {
  const random = new CounterRandom(99, randomDomain.scheduling, numSamples);
  const column = (classes: number, column: number): Uint8Array =>
    Uint8Array.from({ length: numSamples }, (_, i) => Math.floor(classes * random.uniform(3 * i + column) ** 2));
  return {
    labels: {
      schema: fairfaceLabels,
      numSamples,
      columns: { gender: column(2, 0), race: column(7, 1), ageBin: column(9, 2) },
    },
    origin: Uint8Array.from({ length: numSamples }, (_, i) => (i < 0.85 * numSamples ? 0 : 1)),
    contentSha256: (sample) => `content ${sample % duplicateEvery === 1 ? sample - 1 : sample}`,
  };
}

function countsByStratum(input: SplitInput, samples: Iterable<number>): number[] {
  const counts = new Array<number>(numStrata(input.labels.schema)).fill(0);
  for (const sample of samples) {
    const stratum = strataOf(input.labels)(sample);
    counts[stratum] = (counts[stratum] ?? 0) + 1;
  }
  return counts;
}

const parts = ["train", "val", "test"] as const;
const sizes = [1, 2, 3, 7, 40, 333, 5000];
const base: SplitSettings = { split: "random", subset: 1, seed: 7 };

function sorted(split: Split): number[] {
  return parts.flatMap((part) => Array.from(split[part])).sort((a, b) => a - b);
}

describe("the random split", () => {
  test("its parts are disjoint and cover every sample that is no duplicate", () => {
    for (const size of sizes) {
      for (const seed of [0, 7, 0xffff_ffff]) {
        const input = madeInput(size, 10);
        const split = drawSplit(input, { ...base, seed });
        const contents = sorted(split).map((sample) => input.contentSha256(sample));
        assert.equal(new Set(contents).size, contents.length);
        assert.equal(contents.length + split.duplicatesRemoved, size);
        assert.equal(split.duplicatesRemoved, size < 2 ? 0 : Math.floor((size - 2) / 10) + 1);
      }
    }
  });

  test("each stratum is cut 70/15/15 to within one sample, and so are the parts as a whole to within two", () => {
    for (const size of sizes) {
      const input = madeInput(size);
      const split = drawSplit(input, base);
      const all = countsByStratum(input, sorted(split));
      for (const [part, fraction] of [
        ["train", 0.7],
        ["val", 0.15],
        ["test", 0.15],
      ] as const) {
        const counts = countsByStratum(input, split[part]);
        for (const [stratum, count] of counts.entries()) {
          assert.ok(Math.abs(count - fraction * (all[stratum] ?? 0)) < 1, `${part} of ${size}, stratum ${stratum}`);
        }
        assert.ok(Math.abs(split[part].length - fraction * size) <= 2, `${part} of ${size}: ${split[part].length}`);
      }
    }
  });

  test("it is the same for the same seed, another for another, and ascending", () => {
    const input = madeInput(333);
    const split = drawSplit(input, base);
    assert.deepEqual(drawSplit(input, base), split);
    assert.notDeepEqual(drawSplit(input, { ...base, seed: 8 }).val, split.val);
    for (const part of parts) assert.deepEqual(split[part], Uint32Array.from(split[part]).sort());
  });
});

describe("the official split", () => {
  test("it keeps the published parts as they are, leaves test empty and counts what leaks from train into val", () => {
    const input = madeInput(100);
    const contentSha256 = (sample: number): string => (sample === 90 ? "content 3" : `content ${sample}`);
    const split = drawSplit({ ...input, contentSha256 }, { ...base, split: "official" });
    assert.deepEqual(
      Array.from(split.train),
      Array.from({ length: 85 }, (_, i) => i),
    );
    assert.deepEqual(
      Array.from(split.val),
      Array.from({ length: 15 }, (_, i) => 85 + i),
    );
    assert.equal(split.test.length, 0);
    assert.equal(split.duplicatesRemoved, 0);
    assert.equal(split.leaked, 1);
  });
});

describe("a subset", () => {
  test("each part keeps round(share x size) of its samples, at least one, and never a stranger", () => {
    for (const split of ["official", "random"] as const) {
      for (const size of sizes) {
        const input = madeInput(size);
        const whole = drawSplit(input, { ...base, split });
        for (const subset of [0.0001, 0.03, 0.1, 0.5, 0.999]) {
          const some = drawSplit(input, { ...base, split, subset });
          for (const part of parts) {
            const [of, kept] = [whole[part], some[part]];
            assert.equal(kept.length, of.length === 0 ? 0 : Math.max(1, Math.round(subset * of.length)));
            assert.equal(new Set([...of, ...kept]).size, of.length);
          }
        }
      }
    }
  });

  test("each stratum keeps its share to within one sample", () => {
    const input = madeInput(5000);
    const whole = countsByStratum(input, drawSplit(input, base).train);
    for (const subset of [0.01, 0.03, 0.1, 0.5]) {
      const counts = countsByStratum(input, drawSplit(input, { ...base, subset }).train);
      for (const [stratum, count] of counts.entries()) {
        assert.ok(Math.abs(count - subset * (whole[stratum] ?? 0)) < 1, `stratum ${stratum} at ${subset}: ${count}`);
      }
    }
  });

  test("a leak is counted only where both copies are used", () => {
    const made = madeInput(2000);
    // Each of the 300 images of val is one of train's too.
    const input = { ...made, contentSha256: (sample: number) => `content ${sample % 1700}` };
    assert.equal(drawSplit(input, { ...base, split: "official" }).leaked, 300);
    const { train, val, leaked } = drawSplit(input, { ...base, split: "official", subset: 0.2 });
    assert.equal(leaked, Array.from(val).filter((sample) => train.includes(sample - 1700)).length);
    assert.ok(leaked > 0 && leaked < val.length, `${leaked} of ${val.length}`);
    assert.equal(drawSplit(input, { ...base, split: "official", subset: 0.0001 }).leaked, 0); // one of each part
  });

  test("a seed always draws the same one, another seed another", () => {
    const input = madeInput(5000);
    const some = drawSplit(input, { ...base, split: "official", subset: 0.1 });
    assert.deepEqual(drawSplit(input, { ...base, split: "official", subset: 0.1 }), some);
    assert.notDeepEqual(drawSplit(input, { ...base, split: "official", subset: 0.1, seed: 8 }).train, some.train);
  });

  test("a share that is none is the user's mistake", () => {
    for (const subset of [0, -1, 1.01, Number.NaN]) {
      assert.throws(() => drawSplit(madeInput(10), { ...base, subset }), UserError);
    }
  });
});

test("every combination of labels is a stratum of its own", () => {
  const { gender, race, ageBin } = fairfaceClasses;
  const samples = gender.flatMap((_, g) =>
    race.flatMap((_, r) => ageBin.map((_, a) => ({ gender: g, race: r, ageBin: a }))),
  );
  const stratumOf = strataOf(labelTable(fairfaceLabels, samples));
  assert.deepEqual(
    samples.map((_, sample) => stratumOf(sample)),
    Array.from({ length: numStrata(fairfaceLabels) }, (_, i) => i),
  );
});
