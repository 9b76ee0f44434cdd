// Augments images with `warpImages`: one affine map, one colour map and the normalisation, in one pass from uint8 to float32. The
// recipe chooses the maps.
//
// B batch, S source side, T output side
import { kernels } from "./native.js";
import { requireLength } from "./vector.js";

export interface WarpImages {
  /** B x S x S x 3, RGB. */
  readonly pixels: Uint8Array;
  /** B, the number of images. */
  readonly batch: number;
  /** S, the source's width and height in pixels, 1 to 32768. */
  readonly size: number;
  /** T, the output's width and height in pixels, 1 to 32768. */
  readonly outSize: number;
  /**
   * B x 6: a b c d e f. Output pixel (x, y), where x is the column, is sampled from the source at (a x + b y + c, d x + e y + f).
   * Pixel centres are whole numbers. 1 0 0 0 1 0 is the identity, and -1 0 S-1 0 1 0 is a horizontal flip. Outside the image
   * the edge pixels continue.
   */
  readonly affine: Float32Array;
  /** B x 12: a 3 x 3 matrix by rows, then 3 offsets, for values 0..255. The result is clamped to 0..255. */
  readonly colour: Float32Array;
  /** Per channel, on values 0..1. */
  readonly mean: readonly [number, number, number];
  /** Per channel, on values 0..1. */
  readonly std: readonly [number, number, number];
  /** B x T x T x 3, overwritten: (value / 255 - mean) / std. */
  readonly out: Float32Array;
}

/** The identity for `affine`. */
export const identityAffine: readonly number[] = [1, 0, 0, 0, 1, 0];
/** The identity for `colour`. */
export const identityColour: readonly number[] = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];

/**
 * Samples each image bilinearly and normalises it. Every operation is rounded to float32, in the order of reference-warp.ts. The
 * identity gives exactly (value / 255 - mean) / std. A NaN in a map counts as 0.
 * @throws RangeError if a side or an array's length is wrong
 */
export function warpImages(images: WarpImages): void {
  const { pixels, batch, size, outSize, affine, colour, mean, std, out } = images;
  for (const side of [size, outSize]) {
    if (!Number.isInteger(side) || side < 1 || side > 32768) {
      throw new RangeError(`warpImages: side ${side}: must be an integer from 1 to 32768`);
    }
  }
  requireLength("warpImages: pixels", pixels.length, batch * size * size * 3);
  requireLength("warpImages: affine", affine.length, batch * 6);
  requireLength("warpImages: colour", colour.length, batch * 12);
  requireLength("warpImages: out", out.length, batch * outSize * outSize * 3);
  const shape = Uint32Array.of(batch, size, outSize);
  kernels().warpImages(pixels, shape, affine, colour, Float32Array.of(...mean, ...std), out);
}
