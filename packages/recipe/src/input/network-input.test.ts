import assert from "node:assert/strict";
import { test } from "node:test";
import { CounterRandom, randomDomain } from "@lockstep/numerics";
import { imageSize, tinyBatch } from "../fairface/tiny-problem.js";
import { drawMaps, type AugmentationOptions as Ranges } from "./augmentation.js";
import { type InputOptions, imagenetNormalisation, networkInput } from "./network-input.js";

const noChange: Ranges = { flip: 0, rotationDegrees: 0, cropArea: [1, 1], brightness: 0, contrast: 0, saturation: 0 };

function mapsOf(options: Ranges, position: number) {
  return drawMaps(new CounterRandom(7, randomDomain.augmentation, 0, position), options, imageSize);
}

function inputOf(ranges: Ranges | null): InputOptions {
  return {
    imageSize,
    normalisation: imagenetNormalisation,
    drawMaps: ranges === null ? null : (random, size) => drawMaps(random, ranges, size),
  };
}

/** The source position of the output pixel (x, y). */
function sourceOf({ affine }: { affine: readonly number[] }, x: number, y: number): [number, number] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = affine;
  return [a * x + b * y + c, d * x + e * y + f];
}

function colourOf({ colour }: { colour: readonly number[] }, rgb: readonly number[]): number[] {
  return [0, 1, 2].map(
    (row) => rgb.reduce((sum, value, k) => sum + (colour[3 * row + k] ?? 0) * value, 0) + (colour[9 + row] ?? 0),
  );
}

function closeTo(actual: readonly number[], expected: readonly number[]): void {
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - (expected[i] ?? Number.NaN)) < 1e-9, `${actual}, expected ${expected}`);
  });
}

test("without augmentation the input is (x / 255 - mean) / std of each channel", () => {
  const batch = tinyBatch(0, 2);
  const input = networkInput(batch, inputOf(null));
  for (const i of [0, 1, 2, 100, 767, 768, 1535]) {
    const channel = i % 3;
    const expected =
      ((batch.pixels_BHWC[i] ?? 0) / 255 - ([0.485, 0.456, 0.406][channel] ?? 0)) /
      ([0.229, 0.224, 0.225][channel] ?? 1);
    assert.ok(Math.abs((input[i] ?? Number.NaN) - expected) < 1e-5);
  }
});

test("ranges of zero do not change the image", () => {
  const batch = tinyBatch(0, 2);
  const [plain, drawn] = [networkInput(batch, inputOf(null)), networkInput(batch, inputOf(noChange))];
  plain.forEach((value, i) => {
    assert.ok(Math.abs(value - (drawn[i] ?? Number.NaN)) < 1e-4);
  });
});

test("a flip mirrors the columns about the middle", () => {
  closeTo(sourceOf(mapsOf({ ...noChange, flip: 1 }, 0), 3, 5), [imageSize - 1 - 3, 5]);
});

test("half of the samples are flipped, within four standard deviations", () => {
  const flipped = Array.from({ length: 2000 }, (_, i) => (mapsOf({ ...noChange, flip: 0.5 }, i).affine[0] ?? 0) < 0);
  const count = flipped.filter(Boolean).length;
  assert.ok(Math.abs(count - 1000) < 4 * Math.sqrt(500), `${count} of 2000`);
});

test("a rotation stays within its range and keeps the centre and lengths", () => {
  const centre = (imageSize - 1) / 2;
  for (let position = 0; position < 200; position++) {
    const maps = mapsOf({ ...noChange, rotationDegrees: 10 }, position);
    closeTo(sourceOf(maps, centre, centre), [centre, centre]);
    const [x, y] = sourceOf(maps, centre + 1, centre);
    const degrees = (Math.atan2(y - centre, x - centre) * 180) / Math.PI;
    assert.ok(Math.abs(degrees) <= 10, `${degrees}`);
    closeTo([Math.hypot(x - centre, y - centre)], [1]);
  }
});

test("a crop keeps 0.8 to 1 of the area and is inside the image", () => {
  let least = 1;
  for (let position = 0; position < 500; position++) {
    const maps = mapsOf({ ...noChange, cropArea: [0.8, 1] }, position);
    // The outer corners of the output's outermost pixels, which are half a pixel from their centres.
    const [left, top] = sourceOf(maps, -0.5, -0.5);
    const [right, bottom] = sourceOf(maps, imageSize - 0.5, imageSize - 0.5);
    const area = ((right - left) * (bottom - top)) / imageSize ** 2;
    assert.ok(area >= 0.8 - 1e-9 && area <= 1 + 1e-9, `${area}`);
    assert.ok(Math.min(left, top) >= -0.5 - 1e-9 && Math.max(right, bottom) <= imageSize - 0.5 + 1e-9);
    least = Math.min(least, area);
  }
  assert.ok(least < 0.81, `the smallest of 500 crops is ${least}`);
});

test("brightness scales colours, contrast does not change mid-grey, and saturation does not change the luma", () => {
  const rgb = [200, 100, 50];
  const lumaOf = ([r = 0, g = 0, b = 0]: readonly number[]) => 0.299 * r + 0.587 * g + 0.114 * b;
  for (let position = 0; position < 50; position++) {
    const [bright = 0] = colourOf(mapsOf({ ...noChange, brightness: 0.2 }, position), rgb);
    assert.ok(bright >= 160 - 1e-9 && bright <= 240 + 1e-9);
    closeTo(colourOf(mapsOf({ ...noChange, contrast: 0.2 }, position), [127.5, 127.5, 127.5]), [127.5, 127.5, 127.5]);
    const saturated = colourOf(mapsOf({ ...noChange, saturation: 0.2 }, position), rgb);
    closeTo([lumaOf(saturated)], [lumaOf(rgb)]);
    const spread = ((saturated[0] ?? 0) - (saturated[2] ?? 0)) / 150;
    assert.ok(spread >= 0.8 - 1e-9 && spread <= 1.2 + 1e-9);
  }
});
