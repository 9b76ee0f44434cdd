// Limits how large an image may be (sizeProblem): far above any photo, and far below what would end a machine for want of memory.

/** Of an encoded image. */
export const maxImageBytes = 2 ** 28;

/** Width x height, which a file of a few bytes can claim. A photo of 100 megapixels fits; 2^27 pixels take 400 MB. */
export const maxImagePixels = 2 ** 27;

/** Longer side to shorter. Enlarged until its shorter side fills a square, a narrower image has more rows than libvips counts. */
export const maxAspectRatio = 1000;

/** Of an image's size, the same in every form; null where it can be used. Reads on from `image "x" ...`. */
export function sizeProblem(bytes: number): string | null {
  if (bytes === 0) return "is empty (0 bytes)";
  return bytes > maxImageBytes ? `has ${mebibytes(bytes)}, more than ${mebibytes(maxImageBytes)},` : null;
}

/** E.g. `12.3 MiB`. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
