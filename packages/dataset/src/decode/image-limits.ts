// Defines how large an image may be, and checks its size in bytes (sizeProblem). The limits are far above any photo,
// and low enough that no image exhausts the memory of a machine.

/** Largest size of an encoded image in bytes. */
export const maxImageBytes = 2 ** 28;

/**
 * Largest width x height. A file of a few bytes can claim any number. A photo of 100 megapixels fits; 2^27 pixels need
 * 400 MB.
 */
export const maxImagePixels = 2 ** 27;

/**
 * Largest ratio of the longer side to the shorter. An image is enlarged until its shorter side fills the square; for a
 * narrower image, the longer side would then exceed the limit of libvips.
 */
export const maxAspectRatio = 1000;

/**
 * Returns what is wrong with the size of an encoded image (a text that follows `image "x" ` in a message), or null if
 * the size is allowed. The check is the same for every form of the data.
 */
export function sizeProblem(bytes: number): string | null {
  if (bytes === 0) return "is empty (0 bytes)";
  return bytes > maxImageBytes ? `has ${mebibytes(bytes)}, more than ${mebibytes(maxImageBytes)},` : null;
}

/** E.g. `12.3 MiB`. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
