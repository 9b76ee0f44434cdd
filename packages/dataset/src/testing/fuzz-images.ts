// Owns the property that an image, however damaged, is decoded or refused in one line, and that the check which decides
// whether it is used tells the truth: what it lets through decodes at every size.
import assert from "node:assert/strict";
import { UserError } from "@lockstep/errors";
import fc from "fast-check";
import { decodeImage, imageProblem } from "../decode/decode-image.js";
import type { FuzzOptions } from "./fuzz-label-files.js";
import { imageBomb } from "./image-bomb.js";
import { madePixels } from "./made-folder.js";
import { mutations } from "./mutations.js";

export interface ImageCounts {
  /** Images that the check lets through. */
  usable: number;
  unusable: number;
  /** Unusable images that decode at some size all the same: the check looks at more of the image. */
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

/** Small images of every kind that is accepted, as cameras and tools write them. */
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

/** @throws with the seed and the smallest image that breaks the property */
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
      const complaints = await Promise.all(imageSizes.map((imageSize) => complaintAt(bytes, imageSize)));
      assert.ok(performance.now() - startMs < slowestMs, "it took too long");
      if (problem === null) {
        assert.deepEqual(
          complaints,
          imageSizes.map(() => null),
          "the check let it through",
        );
        counts.usable += 1;
        return;
      }
      assert.doesNotMatch(problem, /[\n\r]/);
      counts.unusable += 1;
      if (complaints.includes(null)) counts.checkedStricter += 1;
    }),
    { numRuns: runs, seed },
  );
  return counts;
}

/** Null where it decodes, twice to the same pixels. */
async function complaintAt(bytes: Uint8Array, imageSize: number): Promise<string | null> {
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
