import assert from "node:assert/strict";
import { appendFile, copyFile, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { KeyValue } from "hyparquet";
import { openImageCache } from "../cache/image-cache.js";
import type { EncodedDataset } from "../dataset.js";
import { fairfaceClasses } from "../fairface/fairface-labels.js";
import { labelsOf } from "../labels/label-table.js";
import { openDataset } from "../open-dataset.js";
import { hubMetadata, type NamedImage, writeHubParquet, writeTable } from "../testing/hub-parquet.js";
import { madeJpeg, recordingLog, temporaryFolder, warningsOf } from "../testing/made-folder.js";
import { userErrorMessage } from "../testing/user-error-message.js";

/** make-hub-parquet.py has written this file and describes its content. */
const byPyarrow = fileURLToPath(new URL("../../src/parquet/testdata/hub-pyarrow.parquet", import.meta.url));

async function images(count: number): Promise<NamedImage[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, number) => ({
      ...{ name: `train/${number}.jpg`, origin: 0, bytes: await madeJpeg(number) },
      gender: fairfaceClasses.gender[number % 2] ?? "",
      race: fairfaceClasses.race[number % 7] ?? "",
      age: fairfaceClasses.ageBin[number % 9] ?? "",
    })),
  );
}

async function made(context: TestContext) {
  const root = await temporaryFolder(context);
  const path = join(root, "data", "train.parquet");
  await mkdir(join(root, "data"));
  const cacheDir = join(root, "cache");
  const log = recordingLog();
  const open = (options: object = {}) =>
    openDataset({ data: path, cacheDir, log, ...options }) as Promise<EncodedDataset>;
  return { root, path, cacheDir, log, open };
}

describe("Parquet files", () => {
  test("that pyarrow has written are read: each row has its image and classes, and a row without bytes is reported", async (context) => {
    const { path, cacheDir, log, open } = await made(context);
    await copyFile(byPyarrow, path);
    assert.match(
      await userErrorMessage(open()),
      /train.parquet, row 10: image "10.png" has no bytes in column "image"/,
    );
    const dataset = await open({ onBadImage: "skip" });
    assert.equal(dataset.labels.numSamples, 11);
    const ages = [...fairfaceClasses.ageBin].reverse();
    const races = ["East Asian", "Indian", "Black", "White", "Middle Eastern", "Latino_Hispanic", "Southeast Asian"];
    for (let sample = 0; sample < 11; sample++) {
      const row = Number.parseInt(dataset.imageName(sample), 10);
      const { gender, race, ageBin } = labelsOf(dataset.labels, sample);
      assert.deepEqual(
        [fairfaceClasses.gender[gender ?? -1], fairfaceClasses.race[race ?? -1], fairfaceClasses.ageBin[ageBin ?? -1]],
        [["Female", "Male"][row % 2], races[row % 7], ages[row % 9]],
      );
      assert.equal((await dataset.readEncoded(sample))[1], "P".charCodeAt(0));
    }
    const cache = await openImageCache({ dataset, imageSize: 8, cacheDir, log });
    await cache.close();
    assert.equal(cache.samples.length, 11);
  });

  test("are refused if an integer stands for no class that the data names", async (context) => {
    const { path, open } = await made(context);
    await writeHubParquet({ path, images: await images(3), metadata: [] });
    assert.match(
      await userErrorMessage(open()),
      /train.parquet, row 0: gender is the number 1, and the data does not name/,
    );
    const fewer = hubMetadata.value?.replace('"East Asian","Indian",', "") ?? "";
    await writeHubParquet({ path, images: await images(9), metadata: [{ ...hubMetadata, value: fewer }] });
    assert.match(
      await userErrorMessage(open()),
      /row \d+: race [56] stands for no class; the data names the classes of the numbers 0 to 4/,
    );
    const strange: KeyValue = { key: "huggingface", value: "{}" };
    await writeHubParquet({ path, images: await images(3), metadata: [strange] });
    assert.match(await userErrorMessage(open()), /its "huggingface" metadata does not have the format of the hub/);
  });

  test("are refused with the names of their columns if one is missing, or if several may hold the images", async (context) => {
    const { path, open } = await made(context);
    const bytes = (await images(2)).map((image) => image.bytes);
    const text = (name: string, value: string) => ({ name, data: [value, value], type: "STRING" as const });
    const labels = [text("gender", "Male"), text("race", "White"), text("age", "3-9")];
    const image = (name: string) => ({ name, data: bytes, type: "BYTE_ARRAY" as const });
    await writeTable(path, [image("left"), image("right"), ...labels]);
    assert.match(await userErrorMessage(open()), /no column "image" of images, found "left", "right", "gender"/);
    assert.equal((await open({ columns: { file: "right" } })).labels.numSamples, 2);
    assert.match(
      await userErrorMessage(open({ columns: { file: "race" } })),
      /column "race" holds no image bytes; columns that do: "left", "right"/,
    );
    await writeTable(path, [image("only"), ...labels.slice(1)]);
    assert.match(await userErrorMessage(open()), /column "gender" missing, found "only", "race", "age"/);
    assert.match(await userErrorMessage(open({ columns: { gender: "sex" } })), /column "sex" missing/);
    assert.match(
      await userErrorMessage(open({ columns: { gendre: "sex" } })),
      /columns: "gendre" is not a column that the recipe reads; it reads gender, race, age, file, split/,
    );
  });

  test("that are damaged are refused, and the message names the place", async (context) => {
    const { path, open } = await made(context);
    await writeHubParquet({ path, images: await images(20), codec: "UNCOMPRESSED" });
    const whole = await readFile(path);
    const damage: [RegExp, () => Promise<void>][] = [
      [/no readable Parquet footer/, () => truncate(path, whole.length - 100)],
      [/no readable Parquet footer/, () => writeFile(path, "PAR1")],
      [/no readable Parquet footer/, () => writeFile(path, Buffer.alloc(5000))],
      [/train.parquet: no page can be read at byte \d+/, () => writeFile(path, Buffer.from(whole).fill(0xff, 4, 400))],
    ];
    for (const [line, inflict] of damage) {
      await writeFile(path, whole);
      await inflict();
      assert.match(await userErrorMessage(open()), line);
    }
  });

  test("may not hold an image above 256 MiB, as in a folder of files; with skip, the images after it are read", async (context) => {
    const { path, open } = await made(context);
    const three = await images(3);
    const list = three.map((image, row) => (row === 1 ? { ...image, bytes: Buffer.alloc(2 ** 28 + 2 ** 20) } : image));
    await writeHubParquet({ path, images: list });
    const dataset = await open({ onBadImage: "skip" });
    assert.deepEqual(
      dataset.skipped.map(({ name, problem }) => [name, problem]),
      [["1.jpg", `has 257.0 MiB, more than 256.0 MiB, of ${path}`]],
    );
    for (const sample of [0, 1]) {
      const { bytes } = three[Number.parseInt(dataset.imageName(sample), 10)] as NamedImage;
      assert.deepEqual(await dataset.readEncoded(sample), Buffer.from(bytes));
    }
  });

  test("may have several images of the same name: each is read, and one warning counts them", async (context) => {
    const { path, log, open } = await made(context);
    const [first, second, third] = await images(3);
    assert.ok(first && second && third);
    await writeHubParquet({ path, images: [first, { ...second, name: first.name }, { ...third, name: first.name }] });
    const dataset = await open();
    assert.deepEqual(
      Array.from({ length: 3 }, (_, sample) => dataset.imageName(sample)),
      ["0.jpg", "0.jpg", "0.jpg"],
    );
    assert.deepEqual(warningsOf(log), [
      "2 images have the same name as another image of their part; each is used with its own labels",
    ]);
  });

  test("are packed once; a missing pack is written again, and a changed pack is detected", async (context) => {
    const { path, cacheDir, open } = await made(context);
    await writeHubParquet({ path, images: await images(12) });
    const before = await open();
    const packs = join(cacheDir, "packs");
    const [name = ""] = await readdir(packs);
    await rm(join(packs, name));
    assert.equal((await open()).fingerprint, before.fingerprint);
    const bytes = await before.readEncoded(3);
    await writeFile(join(packs, name), Buffer.alloc((await readFile(join(packs, name))).length));
    assert.match(await userErrorMessage(before.readEncoded(3)), /changed while it was in use/);
    await appendFile(join(packs, name), "x");
    const again = await open();
    assert.deepEqual(await again.readEncoded(3), bytes);
    assert.deepEqual(await readdir(packs), [name]);
  });

  test("whose pack has one changed byte get a new pack at the next start, with a warning", async (context) => {
    const { path, cacheDir, log, open } = await made(context);
    await writeHubParquet({ path, images: await images(12) });
    const before = await open();
    const packs = join(cacheDir, "packs");
    const [name = ""] = await readdir(packs);
    const whole = await readFile(join(packs, name));
    const changed = Buffer.from(whole);
    changed.writeUInt8(whole.readUInt8(whole.length >> 1) ^ 1, whole.length >> 1);
    await writeFile(join(packs, name), changed);
    assert.deepEqual(warningsOf(log), []);
    const again = await open();
    assert.deepEqual(warningsOf(log), ["a pack of images is damaged and is written again"]);
    assert.equal(again.fingerprint, before.fingerprint);
    assert.deepEqual(await readFile(join(packs, name)), whole);
    await open();
    assert.equal(warningsOf(log).length, 1);
  });
});
