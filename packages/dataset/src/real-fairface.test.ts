// Runs on a part of the real FairFace images, read from LOCKSTEP_FAIRFACE or from ../shared/fairface beside the repository.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { UserError } from "@lockstep/errors";
import { openImageCache } from "./cache/image-cache.js";
import { fairfaceClasses } from "./fairface/fairface-labels.js";
import { labelsOf } from "./labels/label-table.js";
import { openDataset, splitDataset } from "./open-dataset.js";
import { recordingLog, temporaryFolder, warningsOf } from "./testing/made-folder.js";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
const { LOCKSTEP_FAIRFACE } = process.env;
const fairface = LOCKSTEP_FAIRFACE ?? resolve(repository, "../shared/fairface");
const skip = existsSync(join(fairface, "fairface_label_train.csv"))
  ? false
  : `no FairFace images at ${fairface}: set LOCKSTEP_FAIRFACE to a folder with fairface_label_train.csv`;

/** The first rows of the real label files, beside links to the real images. */
async function firstRows(context: TestContext, { numTrain, numVal }: { numTrain: number; numVal: number }) {
  const root = await temporaryFolder(context);
  const data = join(root, "data");
  await mkdir(data);
  for (const [part, count] of [
    ["train", numTrain],
    ["val", numVal],
  ] as const) {
    const rows = (await readFile(join(fairface, `fairface_label_${part}.csv`), "utf8")).split("\n");
    await writeFile(join(data, `fairface_label_${part}.csv`), rows.slice(0, count + 1).join("\n"));
    await symlink(join(fairface, part), join(data, part));
  }
  return { data, cacheDir: join(root, "cache"), log: recordingLog() };
}

describe("real FairFace images", { skip }, () => {
  test("open, split and decode into a cache that the second start finds", async (context) => {
    const { data, cacheDir, log } = await firstRows(context, { numTrain: 240, numVal: 60 });
    const dataset = await openDataset({ data, cacheDir, log });
    assert.equal(dataset.labels.numSamples, 300);
    const first = Array.from({ length: 300 }, (_, i) => i).find((i) => dataset.imageName(i) === "train/1.jpg");
    const { gender, race, ageBin } = labelsOf(dataset.labels, first ?? -1);
    assert.deepEqual(
      [fairfaceClasses.gender[gender ?? -1], fairfaceClasses.race[race ?? -1], fairfaceClasses.ageBin[ageBin ?? -1]],
      ["Male", "East Asian", "50-59"],
    );
    const { train, val, test: held } = splitDataset(dataset, { split: "random", subset: 1, seed: 7, log });
    assert.equal(train.length + val.length + held.length, 300);
    const options = { dataset, samples: Uint32Array.from([...train, ...val]), imageSize: 64, cacheDir, log };
    const cache = await openImageCache(options);
    const again = await openImageCache(options);
    assert.deepEqual([cache.built, again.built, again.pixelsSha256 === cache.pixelsSha256], [true, false, true]);
    const image = new Uint8Array(64 * 64 * 3);
    await cache.read(train[0] ?? -1, image, 0);
    assert.ok(new Set(image).size > 50, "a photo has many shades");
    await Promise.all([cache.close(), again.close()]);
    assert.deepEqual(warningsOf(log), []);
  });

  test("labels that went through a spreadsheet are refused, and the cause is named", async (context) => {
    const { data, cacheDir, log } = await firstRows(context, { numTrain: 10, numVal: 10 });
    const mangled = await readFile(join(fairface, "fairface_label_val.excel-mangled.csv"), "utf8");
    await writeFile(join(data, "fairface_label_val.csv"), mangled);
    await assert.rejects(
      openDataset({ data, cacheDir, log }),
      (error: unknown) =>
        error instanceof UserError &&
        /fairface_label_val.csv, line 2: age "03-Sep" is what a spreadsheet made of "3-9"/.test(error.message),
    );
  });
});
