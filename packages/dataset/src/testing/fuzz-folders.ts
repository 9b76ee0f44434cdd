// Checks a property of folders with damaged label files and images (fuzzFolders): either the folder opens and every row
// is a sample or is skipped with a reason, or it is refused with a message of one line.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@lockstep/errors";
import fc from "fast-check";
import { openImageCache } from "../cache/image-cache.js";
import { openDataset } from "../open-dataset.js";
import { imageCorpus } from "./fuzz-images.js";
import type { FuzzOptions } from "./fuzz-label-files.js";
import { labelHeader, labelRow, recordingLog } from "./made-folder.js";
import { mutations } from "./mutations.js";

export interface FolderCounts {
  opened: number;
  refused: number;
  /** Samples of the opened folders. */
  samples: number;
  /** Skipped images of the opened folders. */
  skipped: number;
}

/** The state of an image; an unlabelled image has no row. */
type ImageState = "whole" | "damaged" | "empty" | "missing" | "unlabelled";
const imageStates: readonly ImageState[] = ["whole", "whole", "whole", "damaged", "empty", "missing", "unlabelled"];

/** @throws an error with the seed and the smallest folder that breaks the property */
export async function fuzzFolders({ runs, seed }: FuzzOptions): Promise<FolderCounts> {
  const corpus = await imageCorpus();
  const mutation = mutations([Uint8Array.of(0xff)], corpus);
  const image = fc.record({ encoded: fc.constantFrom(...corpus), state: fc.constantFrom(...imageStates), mutation });
  const counts: FolderCounts = { opened: 0, refused: 0, samples: 0, skipped: 0 };
  const folders = fc.record({
    images: fc.array(image, { minLength: 1, maxLength: 6 }),
    onBadImage: fc.constantFrom("skip", "skip", "fail" as const),
  });
  const work = await mkdtemp(join(tmpdir(), "lockstep-fuzz-"));
  const log = recordingLog();
  let number = 0;
  try {
    await fc.assert(
      fc.asyncProperty(folders, async ({ images, onBadImage }) => {
        const root = join(work, String(number++));
        const [data, cacheDir] = [join(root, "data"), join(root, "cache")];
        await mkdir(join(data, "train"), { recursive: true });
        const rows: string[] = [];
        for (const [index, { encoded, state, mutation }] of images.entries()) {
          const name = `train/${index}.jpg`;
          const bytes = state === "empty" ? new Uint8Array() : state === "damaged" ? mutation(encoded) : encoded;
          if (state !== "missing") await writeFile(join(data, name), bytes);
          if (state !== "unlabelled") rows.push(labelRow(name, index));
        }
        await writeFile(join(data, "fairface_label_train.csv"), [labelHeader, ...rows].join("\n"));
        await writeFile(join(data, "val.jpg"), corpus[0] ?? "");
        await writeFile(join(data, "fairface_label_val.csv"), `${labelHeader}\n${labelRow("val.jpg", 0)}\n`);
        try {
          const dataset = await openDataset({ data, cacheDir, log, onBadImage });
          const { numSamples } = dataset.labels;
          assert.equal(numSamples + dataset.skipped.length, rows.length + 1, "a row disappeared");
          // Without rows, no row names the folder train, so the images there are not found.
          const unlabelled = rows.length === 0 ? 0 : images.filter(({ state }) => state === "unlabelled").length;
          assert.equal(dataset.unlabelled.length, unlabelled);
          const cache = await openImageCache({ dataset, imageSize: 16, cacheDir, log });
          await cache.close();
          assert.equal(cache.samples.length, numSamples);
          counts.opened += 1;
          counts.samples += numSamples;
          counts.skipped += dataset.skipped.length;
        } catch (error) {
          assert.ok(error instanceof UserError, `${error instanceof Error ? error.stack : String(error)}`);
          // The val image is whole, so with "skip" the folder opens unless the training file has no rows.
          assert.ok(
            onBadImage === "fail" || rows.length === 0,
            `refused although bad images are skipped: ${error.message}`,
          );
          counts.refused += 1;
        }
        await rm(root, { recursive: true });
      }),
      { numRuns: runs, seed },
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return counts;
}
