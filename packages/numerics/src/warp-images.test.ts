import assert from "node:assert/strict";
import { test } from "node:test";
import { CounterRandom, randomDomain } from "./counter-random.js";
import { identityAffine, identityColour, type WarpImages, warpImages } from "./warp-images.js";

const mean = [0.485, 0.456, 0.406] as const;
const std = [0.229, 0.224, 0.225] as const;
const noNormalisation = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const;

function imageOf(side: number, seed = 1): Uint8Array {
  const random = new CounterRandom(seed, randomDomain.synthetic);
  return Uint8Array.from({ length: side * side * 3 }, (_, i) => random.uint32(i) & 255);
}

/** Warps one image. The result has values 0..255 unless `changes` has another normalisation. */
function warpOne(pixels: Uint8Array, size: number, changes: Partial<WarpImages> = {}): Float32Array {
  const outSize = changes.outSize ?? size;
  const out = new Float32Array(outSize * outSize * 3);
  const affine = Float32Array.from(identityAffine);
  const colour = Float32Array.from(identityColour);
  warpImages({ pixels, batch: 1, size, outSize, affine, colour, ...noNormalisation, out, ...changes });
  return out;
}

const rounded = (values: Float32Array): number[] => [...values].map((value) => Math.round(value * 1000) / 1000);

/** The red value of one output pixel that is sampled at (x, y). */
function redAt(pixels: Uint8Array, size: number, x: number, y: number): number {
  const affine = Float32Array.of(0, 0, x, 0, 0, y);
  const [red = Number.NaN] = rounded(warpOne(pixels, size, { outSize: 1, affine }));
  return red;
}

test("the identity gives exactly (x / 255 - mean) / std in float32", () => {
  for (const side of [1, 2, 5, 64, 65]) {
    const pixels = imageOf(side);
    const out = warpOne(pixels, side, { mean, std });
    const f = Math.fround;
    for (const [i, value] of pixels.entries()) {
      const expected = f(f(f(value / 255) - f(mean[i % 3] ?? 0)) / f(std[i % 3] ?? 0));
      assert.equal(out[i], expected, `side ${side}, element ${i}`);
    }
  }
});

test("a horizontal flip is an affine map", () => {
  const side = 4;
  const pixels = imageOf(side);
  const out = warpOne(pixels, side, { affine: Float32Array.of(-1, 0, side - 1, 0, 1, 0) });
  const expected = warpOne(pixels, side);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const at = 3 * (y * side + x);
      const mirrored = 3 * (y * side + side - 1 - x);
      assert.deepEqual(out.slice(at, at + 3), expected.slice(mirrored, mirrored + 3));
    }
  }
});

test("it interpolates between pixels, x along the row and y along the column", () => {
  // Red only: 0 100 / 200 40.
  const pixels = Uint8Array.of(0, 0, 0, 100, 0, 0, 200, 0, 0, 40, 0, 0);
  assert.equal(redAt(pixels, 2, 0.25, 0), 25);
  assert.equal(redAt(pixels, 2, 0, 0.75), 150);
  assert.equal(redAt(pixels, 2, 0.5, 0.5), (50 + 120) / 2);
  assert.equal(redAt(pixels, 2, 1, 1), 40);
});

test("outside the image the edge pixels continue, and a NaN counts as 0", () => {
  const pixels = Uint8Array.of(10, 0, 0, 100, 0, 0, 200, 0, 0, 40, 0, 0);
  assert.equal(redAt(pixels, 2, -3, 0), 10);
  assert.equal(redAt(pixels, 2, 1e30, -1e30), 100);
  assert.equal(redAt(pixels, 2, -0.25, 7), 200);
  assert.equal(redAt(pixels, 2, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY), 40);
  assert.equal(redAt(pixels, 2, Number.NaN, 1), 200);
});

test("the colour map is a matrix by rows plus offsets, clamped to 0..255", () => {
  const pixels = Uint8Array.of(10, 100, 200);
  const colour = Float32Array.of(0, 1, 0, 0.5, 0, 0.25, 1, 1, 1, 1, -2, -400);
  assert.deepEqual(rounded(warpOne(pixels, 1, { colour })), [101, 53, 0]);
  const bright = Float32Array.of(2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0);
  assert.deepEqual(rounded(warpOne(pixels, 1, { colour: bright })), [20, 200, 255]);
});

test("each image of a batch has its own maps, and the output may have another side", () => {
  const side = 6;
  const outSize = 3;
  const [first, second] = [imageOf(side, 1), imageOf(side, 2)];
  const shift = [1, 0, 2, 0, 1, 1];
  const gray = [0.3, 0.6, 0.1, 0.3, 0.6, 0.1, 0.3, 0.6, 0.1, 5, 5, 5];
  const out = new Float32Array(2 * outSize * outSize * 3);
  warpImages({
    pixels: Uint8Array.of(...first, ...second),
    batch: 2,
    size: side,
    outSize,
    affine: Float32Array.of(...identityAffine, ...shift),
    colour: Float32Array.of(...identityColour, ...gray),
    mean,
    std,
    out,
  });
  const alone = [
    warpOne(first, side, { outSize, mean, std }),
    warpOne(second, side, { outSize, mean, std, affine: Float32Array.from(shift), colour: Float32Array.from(gray) }),
  ];
  assert.deepEqual(
    [...out],
    alone.flatMap((values) => [...values]),
  );
});

test("wrong sizes are refused by name", () => {
  assert.throws(() => warpOne(imageOf(3), 4), /pixels has 27 elements, not 48/);
  assert.throws(() => warpOne(imageOf(3), 3, { affine: new Float32Array(5) }), /affine has 5 elements, not 6/);
  assert.throws(() => warpOne(imageOf(3), 3, { out: new Float32Array(1) }), /out has 1 elements, not 27/);
  assert.throws(() => warpOne(imageOf(3), 0), /side 0: must be an integer from 1 to 32768/);
});
