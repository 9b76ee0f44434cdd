import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UserError } from "@lockstep/errors";
import { CounterRandom, randomDomain } from "@lockstep/numerics";
import { fairfaceClasses, fairfaceLabels } from "../fairface/fairface-labels.js";
import { labelTable, numStrata, strataOf } from "../labels/label-table.js";
import { drawSplit, type Split, type SplitInput, type SplitSettings } from "./split.js";

/**
 * Generates labels with rare and frequent strata. Every `duplicateEvery`-th sample has the same bytes as the sample
 * before it.
 */
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
  test("has disjoint parts that together hold every sample except duplicates", () => {
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

  test("splits each stratum 70/15/15 to within one sample, and the whole data set to within two samples", () => {
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

  test("is ascending, the same for the same seed, and another for another seed", () => {
    const input = madeInput(333);
    const split = drawSplit(input, base);
    assert.deepEqual(drawSplit(input, base), split);
    assert.notDeepEqual(drawSplit(input, { ...base, seed: 8 }).val, split.val);
    for (const part of parts) assert.deepEqual(split[part], Uint32Array.from(split[part]).sort());
  });
});

describe("the official split", () => {
  test("keeps the published parts, has an empty test part and counts the images of val that are also in train", () => {
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
  test("keeps round(share x size) samples of each part, at least one, and adds no others", () => {
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

  test("keeps the share of each stratum to within one sample", () => {
    const input = madeInput(5000);
    const whole = countsByStratum(input, drawSplit(input, base).train);
    for (const subset of [0.01, 0.03, 0.1, 0.5]) {
      const counts = countsByStratum(input, drawSplit(input, { ...base, subset }).train);
      for (const [stratum, count] of counts.entries()) {
        assert.ok(Math.abs(count - subset * (whole[stratum] ?? 0)) < 1, `stratum ${stratum} at ${subset}: ${count}`);
      }
    }
  });

  test("counts an image of val that is also in train only if both copies are used", () => {
    const made = madeInput(2000);
    // Each of the 300 images of val is also in train.
    const input = { ...made, contentSha256: (sample: number) => `content ${sample % 1700}` };
    assert.equal(drawSplit(input, { ...base, split: "official" }).leaked, 300);
    const { train, val, leaked } = drawSplit(input, { ...base, split: "official", subset: 0.2 });
    assert.equal(leaked, Array.from(val).filter((sample) => train.includes(sample - 1700)).length);
    assert.ok(leaked > 0 && leaked < val.length, `${leaked} of ${val.length}`);
    assert.equal(drawSplit(input, { ...base, split: "official", subset: 0.0001 }).leaked, 0); // one of each part
  });

  test("is the same for the same seed, and another for another seed", () => {
    const input = madeInput(5000);
    const some = drawSplit(input, { ...base, split: "official", subset: 0.1 });
    assert.deepEqual(drawSplit(input, { ...base, split: "official", subset: 0.1 }), some);
    assert.notDeepEqual(drawSplit(input, { ...base, split: "official", subset: 0.1, seed: 8 }).train, some.train);
  });

  test("is refused with a UserError if its share is out of range", () => {
    for (const subset of [0, -1, 1.01, Number.NaN]) {
      assert.throws(() => drawSplit(madeInput(10), { ...base, subset }), UserError);
    }
  });
});

test("every combination of labels has its own stratum", () => {
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
