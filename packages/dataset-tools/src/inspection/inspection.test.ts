import assert from "node:assert/strict";
import { appendFile, copyFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { decodeImage, type EncodedDataset, openDataset, type Progress, syntheticDataset } from "@lockstep/dataset";
import { recordingLog, temporaryFolder, writeMadeFolder } from "@lockstep/dataset/testing";
import sharp from "sharp";
import { contactSheet } from "./contact-sheet.js";
import { findDuplicates } from "./duplicates.js";
import { surveyImages } from "./image-survey.js";
import { verifyImages } from "./verify-images.js";

interface Made {
  readonly data: string;
  open(): Promise<EncodedDataset>;
}

/** Makes a folder with ten images of 48x48 in train and three in val. */
async function made(context: TestContext): Promise<Made> {
  const root = await temporaryFolder(context);
  const data = join(root, "data");
  await writeMadeFolder(data, { numTrain: 10, numVal: 3 });
  return {
    data,
    async open() {
      const dataset = await openDataset({ data, cacheDir: join(root, "cache"), log: recordingLog() });
      assert.ok(dataset.pixelSource === "encoded");
      return dataset;
    },
  };
}

test("findDuplicates finds images with equal bytes within and across parts, and the fields in which their labels differ", async (context) => {
  const { data, open } = await made(context);
  assert.deepEqual(findDuplicates(await open()), []);
  await copyFile(join(data, "train/1.jpg"), join(data, "train/8.jpg"));
  await copyFile(join(data, "train/4.jpg"), join(data, "val/0.jpg"));
  await copyFile(join(data, "train/4.jpg"), join(data, "val/1.jpg"));
  const groups = findDuplicates(await open());
  const found = groups.map(({ images, acrossParts, conflicting }) => ({
    names: images.map(({ name, part }) => `${part}: ${name}`),
    acrossParts,
    conflicting,
  }));
  found.sort((a, b) => a.names.length - b.names.length);
  // Image N has gender N % 2, race N % 7 and age bin N % 9; the images of val follow those of train.
  const [pair, triple] = found;
  assert.deepEqual(pair?.names.toSorted(), ["train: train/1.jpg", "train: train/8.jpg"]);
  assert.deepEqual([pair?.acrossParts, pair?.conflicting], [false, ["gender", "ageBin"]]);
  assert.deepEqual(triple?.names.toSorted(), ["train: train/4.jpg", "val: val/0.jpg", "val: val/1.jpg"]);
  assert.deepEqual([triple?.acrossParts, triple?.conflicting], [true, ["gender", "race", "ageBin"]]);
});

test("surveyImages reads formats, colours and sizes from the headers, and names files that are not images", async (context) => {
  const { data, open } = await made(context);
  const grey = { width: 20, height: 90, channels: 3, background: "#777" } as const;
  // A PNG whose name has the ending of a JPEG.
  await sharp({ create: grey }).greyscale().toColourspace("b-w").png().toFile(join(data, "train/0.jpg"));
  await writeFile(join(data, "val/2.jpg"), "no image at all");
  const seen: Progress[] = [];
  const survey = await surveyImages({ dataset: await open(), onProgress: (progress) => seen.push(progress) });
  assert.deepEqual(survey.formats, { jpeg: 11, png: 1 });
  assert.deepEqual(survey.colours, { srgb: 11, "b-w": 1 });
  assert.deepEqual(survey.width, { least: 20, median: 48, greatest: 48 });
  assert.deepEqual(survey.height, { least: 48, median: 48, greatest: 90 });
  assert.equal(survey.bytes?.least, (await stat(join(data, "train/0.jpg"))).size);
  assert.deepEqual(
    survey.unreadable.map(({ name }) => name),
    ["val/2.jpg"],
  );
  assert.match(survey.unreadable[0]?.problem ?? "", /^image "val\/2.jpg" cannot be decoded \(.+\); /);
  assert.deepEqual(seen.at(-1), { stage: "inspecting", done: 13, total: 13 });
});

test("verifyImages names exactly the images that cannot be decoded or have changed", async (context) => {
  const { data, open } = await made(context);
  assert.deepEqual(await verifyImages({ dataset: await open() }), []);
  const whole = await readFile(join(data, "train/3.jpg"));
  await writeFile(join(data, "train/3.jpg"), whole.subarray(0, whole.length - 200));
  await writeFile(join(data, "val/1.jpg"), "no image at all");
  const dataset = await open();
  await appendFile(join(data, "train/7.jpg"), "one byte more");
  const findings = (await verifyImages({ dataset })).toSorted();
  assert.equal(findings.length, 3);
  const [truncated = "", changed = "", noImage = ""] = findings;
  assert.match(truncated, /^image "train\/3.jpg" cannot be decoded \(.+/);
  assert.match(changed, /^image "train\/7.jpg" changed/);
  assert.match(noImage, /^image "val\/1.jpg" cannot be decoded \(.+/);
});

test("a contact sheet shows images chosen by its seed, cropped as for training", async (context) => {
  const { open } = await made(context);
  const dataset = await open();
  const samples = Uint32Array.from({ length: 13 }, (_, sample) => sample);
  const draw = (seed: number) => contactSheet({ dataset, samples, rows: 2, columns: 3, seed });
  const { png, images, captioned } = await draw(7);
  assert.equal(images, 6);
  assert.deepEqual((await draw(7)).png, png);
  assert.notDeepEqual((await draw(8)).png, png);
  const { width, height } = await sharp(png).metadata();
  assert.equal(width, 8 + 3 * 136);
  assert.equal(height, 8 + 2 * (136 + (captioned ? 4 * 14 : 0)));
  const tile = await sharp(png).extract({ left: 8, top: 8, width: 128, height: 128 }).raw().toBuffer();
  const tiles = await Promise.all(
    Array.from(samples, async (sample) => decodeImage(await dataset.readEncoded(sample), 128, "")),
  );
  assert.equal(tiles.filter((pixels) => tile.equals(pixels)).length, 1);
});

test("a contact sheet shows a damaged image as a blank tile, and has fewer rows if there are few images", async (context) => {
  const { data, open } = await made(context);
  await writeFile(join(data, "val/0.jpg"), "no image at all");
  const dataset = await open();
  const broken = Array.from(dataset.origin.keys()).find((sample) => dataset.imageName(sample) === "val/0.jpg") ?? -1;
  const sheet = { dataset, samples: Uint32Array.of(broken), rows: 9, columns: 2, seed: 0 };
  const { png, images, captioned } = await contactSheet(sheet);
  assert.equal(images, 1);
  assert.equal((await sharp(png).metadata()).height, 8 + 136 + (captioned ? 4 * 14 : 0));
  const tile = await sharp(png).extract({ left: 8, top: 8, width: 128, height: 128 }).raw().toBuffer();
  assert.ok(tile.every((value) => value === 200));
});

test("a contact sheet can show generated images", async () => {
  const samples = Uint32Array.of(3, 1, 4);
  const { images } = await contactSheet({
    ...{ dataset: syntheticDataset({ numSamples: 5 }), samples, rows: 1, columns: 9, seed: 0 },
  });
  assert.equal(images, 3);
});
