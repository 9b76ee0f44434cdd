// Checks two properties of damaged images (fuzzImages): every image is decoded or is refused with a message of one
// line, and an image that imageProblem accepts is decoded at every size.
import assert from "node:assert/strict";
import { UserError } from "@lockstep/errors";
import fc from "fast-check";
import { decodeImage, imageProblem } from "../decode/decode-image.js";
import type { FuzzOptions } from "./fuzz-label-files.js";
import { imageBomb } from "./image-bomb.js";
import { madePixels } from "./made-folder.js";
import { mutations } from "./mutations.js";

export interface ImageCounts {
  /** Images that imageProblem accepts. */
  usable: number;
  unusable: number;
  /** Images that imageProblem refuses although they decode at some size: it checks more of the image. */
  checkedStricter: number;
}

const slowestMs = 20_000;
const imageSizes = [16, 64];
const words = [
  [0xff],
  [0xff, 0xd8, 0xff],
  [0xff, 0xd9],
  [0x7f, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff],
  Array(64).fill(0),
];

/** Small images of every accepted format, as cameras and tools write them. */
export async function imageCorpus(): Promise<Uint8Array[]> {
  const { default: sharp } = await import("sharp");
  const raw = { width: 40, height: 56, channels: 3 } as const;
  const image = (number: number) => sharp(madePixels(number, raw.width, raw.height), { raw });
  const frames = await Promise.all([1, 2].map((number) => image(number).png().toBuffer()));
  const animation = sharp(frames, { join: { animated: true } });
  return Promise.all([
    image(3).jpeg().toBuffer(),
    image(4).jpeg({ progressive: true }).withMetadata({ orientation: 6 }).toBuffer(),
    image(5).toColourspace("cmyk").jpeg().toBuffer(),
    image(6).greyscale().jpeg({ chromaSubsampling: "4:4:4" }).toBuffer(),
    image(7).png().toBuffer(),
    image(8).png({ palette: true, progressive: true }).toBuffer(),
    image(9).toColourspace("rgb16").ensureAlpha(0.5).png().toBuffer(),
    image(10).webp().toBuffer(),
    image(11).webp({ lossless: true }).toBuffer(),
    animation.clone().webp().toBuffer(),
    animation.clone().gif().toBuffer(),
    image(12).tiff({ compression: "lzw" }).toBuffer(),
    image(13).tiff({ compression: "jpeg", tile: true }).toBuffer(),
    image(14).avif({ effort: 0 }).toBuffer(),
    imageBomb(3000),
  ]);
}

/** @throws an error with the seed and the smallest image that breaks a property */
export async function fuzzImages({ runs, seed }: FuzzOptions): Promise<ImageCounts> {
  const corpus = await imageCorpus();
  const damagedImage = fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(...corpus) },
    {
      weight: 12,
      arbitrary: fc
        .tuple(
          fc.constantFrom(...corpus),
          mutations(
            words.map((word) => Uint8Array.from(word)),
            corpus,
          ),
        )
        .map(([image, mutate]) => mutate(image)),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }) },
  );
  const counts: ImageCounts = { usable: 0, unusable: 0, checkedStricter: 0 };
  await fc.assert(
    fc.asyncProperty(damagedImage, async (bytes) => {
      const startMs = performance.now();
      const problem = await imageProblem(bytes, "fuzzed");
      const messages = await Promise.all(imageSizes.map((imageSize) => errorMessageAt(bytes, imageSize)));
      assert.ok(performance.now() - startMs < slowestMs, "it took too long");
      if (problem === null) {
        assert.deepEqual(
          messages,
          imageSizes.map(() => null),
          "imageProblem accepted it",
        );
        counts.usable += 1;
        return;
      }
      assert.doesNotMatch(problem, /[\n\r]/);
      counts.unusable += 1;
      if (messages.includes(null)) counts.checkedStricter += 1;
    }),
    { numRuns: runs, seed },
  );
  return counts;
}

/** Returns null if the image decodes. Decodes it twice and checks that the pixels are equal. */
async function errorMessageAt(bytes: Uint8Array, imageSize: number): Promise<string | null> {
  try {
    const pixels = await decodeImage(bytes, imageSize, "fuzz.jpg");
    assert.equal(pixels.length, 3 * imageSize * imageSize);
    assert.ok(Buffer.from(pixels).equals(await decodeImage(bytes, imageSize, "fuzz.jpg")), "it decodes differently");
    return null;
  } catch (error) {
    assert.ok(error instanceof UserError, `${error instanceof Error ? error.stack : String(error)}`);
    assert.doesNotMatch(error.message, /[\n\r]/);
    return error.message;
  }
}
