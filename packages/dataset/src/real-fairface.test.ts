// Tests with some of the real FairFace images. They are read from LOCKSTEP_FAIRFACE, or from ../shared/fairface
// relative to the repository; without them the tests are skipped.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { UserError } from "@lockstep/errors";
import { openImageCache } from "./cache/image-cache.js";
import { fairfaceClasses, fairfaceLabels } from "./fairface/fairface-labels.js";
import { parseLabelFile } from "./fairface/label-file.js";
import { LabelRepairs } from "./labels/label-repairs.js";
import { labelsOf } from "./labels/label-table.js";
import { openDataset, splitDataset } from "./open-dataset.js";
import { recordingLog, temporaryFolder, warningsOf } from "./testing/made-folder.js";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
const { LOCKSTEP_FAIRFACE } = process.env;
const fairface = LOCKSTEP_FAIRFACE ?? resolve(repository, "../shared/fairface");
const skip = existsSync(join(fairface, "fairface_label_train.csv"))
  ? false
  : `no FairFace images at ${fairface}: set LOCKSTEP_FAIRFACE to a folder with fairface_label_train.csv`;

/** Makes a folder with the first rows of the real label files and links to the real images. */
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
  test("are opened, split and decoded into a cache, and the second start uses the cache", async (context) => {
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
    assert.equal(warningsOf(log).length, 1);
    // The linked folders hold further images.
    assert.match(warningsOf(log)[0] ?? "", /^left out \d+ images that the labels do not name: /);
  });

  test("are refused with labels that a spreadsheet has changed, and the message names the cause", async (context) => {
    const { data, cacheDir, log } = await firstRows(context, { numTrain: 10, numVal: 10 });
    const mangled = await readFile(join(fairface, "fairface_label_val.excel-mangled.csv"), "utf8");
    await writeFile(join(data, "fairface_label_val.csv"), mangled);
    await assert.rejects(
      openDataset({ data, cacheDir, log }),
      (error: unknown) =>
        error instanceof UserError &&
        /fairface_label_val.csv, line 2: age "03-Sep" is a date that a spreadsheet made of "3-9"/.test(error.message),
    );
  });

  test("have the same fingerprint with repaired labels as with the published labels", async (context) => {
    const root = await temporaryFolder(context);
    const fingerprints = new Set<string>();
    for (const form of ["published", "mangled"]) {
      const data = join(root, form);
      await mkdir(data);
      for (const part of ["train", "val"]) {
        await symlink(join(fairface, part), join(data, part));
        const mangled = await readFile(join(fairface, `fairface_label_${part}.excel-mangled.csv`), "utf8");
        const published = (await readFile(join(fairface, `fairface_label_${part}.csv`), "utf8")).split("\n");
        const text = published.slice(0, mangled.trim().split("\n").length).join("\n");
        await writeFile(join(data, `fairface_label_${part}.csv`), form === "published" ? text : mangled);
      }
      const log = recordingLog();
      const dataset = await openDataset({ data, cacheDir: join(root, "cache"), log, repairLabels: true });
      assert.equal(dataset.labels.numSamples, 1000);
      const repaired = warningsOf(log).filter((warning) => warning.startsWith("repaired "));
      if (form === "published") assert.deepEqual(repaired, []);
      else
        assert.match(
          repaired[0] ?? "",
          /^repaired 241 labels .*\((03-Sep -> 3-9, Oct-19 -> 10-19|Oct-19 -> 10-19, 03-Sep -> 3-9)\)/,
        );
      fingerprints.add(dataset.fingerprint);
    }
    assert.equal(fingerprints.size, 1);
  });

  test("have the published labels in all 22,500 rows after dates of every format are repaired", async () => {
    for (const part of ["train", "val"]) {
      const text = await readFile(join(fairface, `fairface_label_${part}.csv`), "utf8");
      const published = parseLabelFile("labels.csv", text, fairfaceLabels);
      for (const [child, youth] of [
        ["03-Sep", "Oct-19"],
        ["9-Mar", "19-Oct"],
        ["2024-09-03", "2019-10-01"],
        ["3/9/2024", "10/19/2024"],
      ] as const) {
        const mangled = text.replaceAll(",3-9,", `,${child},`).replaceAll(",10-19,", `,${youth},`);
        assert.notEqual(mangled, text);
        const repairs = new LabelRepairs();
        assert.deepEqual(parseLabelFile("labels.csv", mangled, fairfaceLabels, { repairs }), published);
        assert.equal(
          repairs.numLabels,
          published.filter(({ labels }) => labels["ageBin"] === 1 || labels["ageBin"] === 2).length,
        );
      }
    }
  });
});
