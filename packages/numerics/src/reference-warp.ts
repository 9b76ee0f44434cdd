// The TypeScript kernel `warpImages`, which warp-images.ts describes. Each Math.fround is one float32 operation of the C++
// kernel, in the same order.
//
// `as number` is safe here: every index is below the length that warp-images.ts checked.
import type { Kernels } from "./kernels.js";

const f = Math.fround;

export const warpImages: Kernels["warpImages"] = (pixels, shape, affine, colour, normalisation, out) => {
  const [batch, size, outSize] = shape as unknown as [number, number, number];
  const sample = new Float32Array(3);
  for (let image = 0; image < batch; image += 1) {
    const [a, b, c, d, e, g] = affine.subarray(6 * image, 6 * image + 6) as unknown as Six;
    const matrix = colour.subarray(12 * image, 12 * image + 12);
    const source = pixels.subarray(3 * size * size * image, 3 * size * size * (image + 1));
    let to = 3 * outSize * outSize * image;
    for (let y = 0; y < outSize; y += 1) {
      for (let x = 0; x < outSize; x += 1, to += 3) {
        const sourceX = clamp(f(f(f(a * x) + f(b * y)) + c), size - 1);
        const sourceY = clamp(f(f(f(d * x) + f(e * y)) + g), size - 1);
        bilinear(source, size, sourceX, sourceY, sample);
        for (let channel = 0; channel < 3; channel += 1) {
          const value = clamp(mix(matrix, channel, sample), 255);
          const mean = normalisation[channel] as number;
          const deviation = normalisation[3 + channel] as number;
          out[to + channel] = f(f(f(value / 255) - mean) / deviation);
        }
      }
    }
  }
};

type Six = [number, number, number, number, number, number];

/** Clamps to 0..limit; a NaN becomes 0. */
function clamp(value: number, limit: number): number {
  return value > 0 ? Math.min(value, limit) : 0;
}

/** Writes the three channels at (x, y) into `sample`. The point is inside the image, so that Math.trunc rounds down. */
function bilinear(source: Uint8Array, size: number, x: number, y: number, sample: Float32Array): void {
  const left = Math.trunc(x);
  const top = Math.trunc(y);
  const right = left < size - 1 ? left + 1 : left;
  const bottom = top < size - 1 ? top + 1 : top;
  const shareX = f(x - left);
  const shareY = f(y - top);
  for (let channel = 0; channel < 3; channel += 1) {
    const topLeft = source[3 * (top * size + left) + channel] as number;
    const topRight = source[3 * (top * size + right) + channel] as number;
    const bottomLeft = source[3 * (bottom * size + left) + channel] as number;
    const bottomRight = source[3 * (bottom * size + right) + channel] as number;
    const upper = f(topLeft + f(f(topRight - topLeft) * shareX));
    const lower = f(bottomLeft + f(f(bottomRight - bottomLeft) * shareX));
    sample[channel] = f(upper + f(f(lower - upper) * shareY));
  }
}

/** The product of one row of the colour matrix and the sample, plus the row's offset. */
function mix(matrix: Float32Array, channel: number, sample: Float32Array): number {
  const red = f((matrix[3 * channel] as number) * (sample[0] as number));
  const green = f((matrix[3 * channel + 1] as number) * (sample[1] as number));
  const blue = f((matrix[3 * channel + 2] as number) * (sample[2] as number));
  return f(f(f(red + green) + blue) + (matrix[9 + channel] as number));
}
