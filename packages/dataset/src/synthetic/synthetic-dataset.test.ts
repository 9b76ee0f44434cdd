import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { fairfaceClasses } from "../fairface/fairface-labels.js";
import { labelsOf } from "../labels/label-table.js";
import { syntheticDataset } from "./synthetic-dataset.js";
import { drawSyntheticImage } from "./synthetic-image.js";
import { syntheticShares } from "./synthetic-labels.js";

const size = 64;
const imageBytes = size * size * 3;

function draw(index: number, labels: { gender: number; race: number; ageBin: number }): Uint8Array {
  const pixels = new Uint8Array(imageBytes);
  drawSyntheticImage({ seed: 1, index, labels, imageSize: size }, pixels, 0);
  return pixels;
}

/**
 * Returns the sums of absolute differences of brightness between pixels three columns apart (across) and three rows
 * apart (down).
 */
function roughness(pixels: Uint8Array): { across: number; down: number } {
  let [across, down] = [0, 0];
  const green = (x: number, y: number): number => pixels[3 * (y * size + x) + 1] ?? 0;
  for (let y = 0; y < size - 3; y++) {
    for (let x = 0; x < size - 3; x++) {
      across += Math.abs(green(x + 3, y) - green(x, y));
      down += Math.abs(green(x, y + 3) - green(x, y));
    }
  }
  return { across, down };
}

describe("the embedded data set", () => {
  test("has the same labels and pixels on every machine", () => {
    const dataset = syntheticDataset({ numSamples: 4000 });
    const hash = createHash("sha256");
    const pixels = new Uint8Array(imageBytes);
    for (let sample = 0; sample < 4000; sample += 100) {
      dataset.generate(sample, size, pixels, 0);
      hash.update(pixels);
    }
    assert.deepEqual(
      { fingerprint: dataset.fingerprint, pixels: hash.digest("hex") },
      {
        fingerprint: "c90bde82b77f7af6b3e1e95817fa073351a461f14c3a4665228a8b92f401fe80",
        pixels: "f1337f38fcd8b3bdf583440d225b969f174608e6f63e7047cfbbd6173dcf9d0b",
      },
    );
  });

  test("has classes with the intended frequencies, and its last 15% are the validation part", () => {
    const { labels, origin } = syntheticDataset({ numSamples: 4000 });
    for (const name of ["gender", "race", "ageBin"] as const) {
      for (const [index, share] of syntheticShares[name].entries()) {
        const found = Array.from(labels.columns[name] ?? []).filter((label) => label === index).length / 4000;
        assert.ok(
          Math.abs(found - share) < 0.025,
          `${name} ${fairfaceClasses[name][index]}: ${found} instead of ${share}`,
        );
      }
      assert.ok(Math.abs(syntheticShares[name].reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
    }
    assert.deepEqual(
      [origin.filter((part) => part === 0).length, origin.filter((part) => part === 1).length],
      [3400, 600],
    );
  });

  test("of a smaller size holds the first images of a larger one", () => {
    const named = (numSamples: number): Map<string, unknown> => {
      const dataset = syntheticDataset({ numSamples });
      return new Map(
        Array.from({ length: numSamples }, (_, i) => [
          dataset.imageName(i),
          [dataset.contentSha256(i), labelsOf(dataset.labels, i)],
        ]),
      );
    };
    const large = named(100);
    for (const [name, facts] of named(20)) assert.deepEqual(facts, large.get(name));
  });

  test("has no two images with the same bytes, and draws an image of any size at any offset", () => {
    const dataset = syntheticDataset({ numSamples: 200 });
    const seen = new Set<string>();
    const into = new Uint8Array(20 * 20 * 3 + 7).fill(77);
    for (let sample = 0; sample < 200; sample++) {
      dataset.generate(sample, 20, into, 5);
      seen.add(createHash("sha256").update(into).digest("hex"));
    }
    assert.equal(seen.size, 200);
    assert.deepEqual([into[4], into[20 * 20 * 3 + 5]], [77, 77]);
  });

  test("shows gender in the direction of the stripes", () => {
    let right = 0;
    for (let index = 0; index < 100; index++) {
      const gender = index % 2;
      const { across, down } = roughness(draw(index, { gender, race: 0, ageBin: 0 }));
      if ((across > down ? 0 : 1) === gender) right += 1;
    }
    assert.ok(right >= 90, `${right} of 100`);
  });

  test("shows age in the area of the pale plate: on average each bin has more pale pixels than the bin before", () => {
    const palePixels = fairfaceClasses.ageBin.map((_, ageBin) => {
      let pale = 0;
      for (let index = 0; index < 30; index++) {
        const pixels = draw(index, { gender: 0, race: 0, ageBin });
        for (let i = 0; i < imageBytes; i += 3) if (Math.min(...pixels.subarray(i, i + 3)) > 175) pale += 1;
      }
      return pale;
    });
    assert.deepEqual(
      palePixels,
      [...palePixels].sort((a, b) => a - b),
    );
  });

  test("shows race only in the colour of one tile", () => {
    for (let index = 0; index < 20; index++) {
      const [a, b] = [draw(index, { gender: 0, race: 0, ageBin: 4 }), draw(index, { gender: 0, race: 4, ageBin: 4 })];
      let differing = 0;
      for (let i = 0; i < imageBytes; i += 3)
        if (a[i] !== b[i] || a[i + 1] !== b[i + 1] || a[i + 2] !== b[i + 2]) differing += 1;
      const share = differing / (size * size);
      assert.ok(share > 0.01 && share < 0.035, `image ${index}: ${share}`);
    }
  });
});
