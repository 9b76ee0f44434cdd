import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import {
  type EncodedDataset,
  type GeneratedDataset,
  type LabelSchema,
  openDataset,
  openImageCache,
  type Progress,
} from "@lockstep/dataset";
import {
  labelRow,
  madeJpeg,
  recordingLog,
  temporaryFolder,
  userErrorMessage,
  writeMadeFolder,
} from "@lockstep/dataset/testing";
import { temporaryPathFor, thisProcess } from "@lockstep/files";
import { convertDataset } from "./convert-dataset.js";
import { type WrittenForm, writtenForms } from "./form-writer.js";
import { writeSynthetic } from "./write-synthetic.js";

async function made(context: TestContext) {
  const root = await temporaryFolder(context);
  const data = join(root, "data");
  await mkdir(data);
  await writeMadeFolder(data, { numTrain: 12, numVal: 5 });
  const common = { cacheDir: join(root, "cache"), log: recordingLog() };
  const open = (path: string, more: object = {}) =>
    openDataset({ data: path, ...common, ...more }) as Promise<EncodedDataset>;
  const convert = (dataset: EncodedDataset, to: WrittenForm, more: object = {}) =>
    convertDataset(dataset, { out: join(root, "out", to), to, ...common, ...more });
  return { root, data, common, open, convert };
}

describe("a converted data set", () => {
  test("can be converted through every form and back to the same published files", async (context) => {
    const { root, data, open, convert } = await made(context);
    let dataset = await open(data);
    const { fingerprint } = dataset;
    for (const to of ["parquet", "webdataset", "csv", "fairface"] as const) {
      const written = await convert(dataset, to, { shardImages: 5 });
      assert.deepEqual(written, { out: join(root, "out", to), form: to, images: 17, fingerprint });
      dataset = await open(written.out);
    }
    assert.deepEqual(await readdir(join(root, "out/parquet/data")), [
      "train-00000-of-00003.parquet",
      "train-00001-of-00003.parquet",
      "train-00002-of-00003.parquet",
      "validation-00000-of-00001.parquet",
    ]);
    assert.deepEqual(await readdir(join(root, "out/webdataset")), [
      "train-000000.tar",
      "train-000001.tar",
      "train-000002.tar",
      "val-000000.tar",
    ]);
    const back = join(root, "out/fairface");
    for (const file of ["train/3.jpg", "val/4.jpg"])
      assert.deepEqual(await readFile(join(back, file)), await readFile(join(data, file)));
    const rows = async (folder: string) =>
      (await readFile(join(folder, "fairface_label_train.csv"), "utf8")).trim().split("\n");
    const [published, written] = [await rows(data), await rows(back)];
    assert.equal(written[0], "file,gender,race,age");
    const age = (lines: string[], column: number) =>
      lines
        .slice(1)
        .map((line) => `${line.split(",")[0]} ${line.split(",")[column]}`)
        .sort();
    assert.deepEqual(age(written, 3), age(published, 1));
    assert.deepEqual(await readdir(join(root, "cache")), ["index", "packs"]);
  });

  test("keeps a test part, images with equal names or names that need quotes, and labels of any schema", async (context) => {
    const { root, open, convert } = await made(context);
    const own = join(root, "own");
    const files = ["a/1.jpg", "b/1.JPG", 'c/1.x "y".jpeg', "é.jpg"];
    const rows = files.map(
      (file, index) =>
        `"${file.replaceAll('"', '""')}",${index % 2 ? '"so, so"' : "fine"},${index / 3},${["train", "val", "test", "train"][index]}`,
    );
    for (const [index, file] of files.entries()) {
      await mkdir(join(own, file, ".."), { recursive: true });
      await writeFile(join(own, file), await madeJpeg(index));
    }
    await writeFile(join(own, "labels.csv"), ["file,mood,weight,split", ...rows].join("\n"));
    const schema: LabelSchema = {
      name: "own",
      fields: [
        { kind: "class", name: "mood", column: "mood", classes: ["fine", "so, so"] },
        { kind: "number", name: "weight", column: "weight" },
      ],
    };
    let dataset = await open(own, { schema });
    assert.deepEqual(Array.from(dataset.origin), [0, 0, 1, 2]);
    const { fingerprint } = dataset;
    for (const to of writtenForms) {
      const written = await convert(dataset, to);
      assert.equal(written.fingerprint, fingerprint);
      dataset = await open(written.out, { schema });
      assert.equal(dataset.fingerprint, fingerprint);
    }
  });

  test("is not written into a folder that is not empty or in a form that cannot hold it", async (context) => {
    const { root, data, open, convert } = await made(context);
    const dataset = await open(data);
    await mkdir(join(root, "out/csv"), { recursive: true });
    await writeFile(join(root, "out/csv/holiday.txt"), "mine");
    assert.match(
      await userErrorMessage(convert(dataset, "csv")),
      /out\/csv: exists and is not empty \(holiday.txt\); choose another folder \(--out\)/,
    );
    assert.deepEqual(await readdir(join(root, "out/csv")), ["holiday.txt"]);
    await mkdir(join(root, "out/webdataset"));
    assert.equal((await convert(dataset, "webdataset")).images, 17);
    const trainOnly = await open(join(root, "out/webdataset/train-000000.tar"));
    assert.match(
      await userErrorMessage(convert(trainOnly, "fairface")),
      /needs a val part and this data has none; write csv/,
    );
    assert.deepEqual((await readdir(join(root, "out"))).sort(), ["csv", "webdataset"]);
  });

  test("leaves no files if the conversion is stopped or an image has changed", async (context) => {
    const { root, data, open, convert } = await made(context);
    const dataset = await open(data);
    for (const to of writtenForms) {
      const stop = new AbortController();
      const onProgress = ({ stage }: Progress): void => {
        if (stage === "writing") stop.abort(new Error("stopped by the test"));
      };
      await assert.rejects(convert(dataset, to, { signal: stop.signal, onProgress }), /stopped by the test/);
    }
    await writeFile(join(data, "train/5.jpg"), "other");
    for (const to of writtenForms)
      assert.match(await userErrorMessage(convert(dataset, to)), /"train\/5.jpg" changed while/);
    assert.deepEqual(await readdir(join(root, "out")), []);
    assert.deepEqual(await readdir(join(root, "cache")), ["index"]);
  });

  test("is not written if a row names a file that is not an image, also in a linked folder", async (context) => {
    const { root, data, open, convert } = await made(context);
    await mkdir(join(root, "home"));
    await writeFile(join(root, "home", "id_rsa"), "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    await symlink(join(root, "home"), join(data, "h"));
    await appendFile(join(data, "fairface_label_train.csv"), `${labelRow("h/id_rsa", 3)}\n`);
    const refusal = /image "h\/id_rsa" is not copied: its content is not JPEG, .*; delete its row, or leave/;
    for (const to of writtenForms) assert.match(await userErrorMessage(convert(await open(data), to)), refusal);
    assert.deepEqual(await readdir(join(root, "out")), []);
    const without = await open(data, { onBadImage: "skip" });
    assert.equal((await convert(without, "csv")).images, 17);
  });

  test("removes unfinished folders of processes that have ended, and keeps those of other processes", async (context) => {
    const { root, data, open, convert } = await made(context);
    const dataset = await open(data);
    const [dead, container] = [{ startTicks: "1" }, { startTicks: "1", pidSpace: "c0ffee00c0ffee00" }];
    const leave = async (path: string, maker: object) => {
      const left = temporaryPathFor(join(root, path), { ...thisProcess(), ...maker });
      await mkdir(join(left, "images"), { recursive: true });
      return basename(left);
    };
    await leave("out/csv", dead);
    await leave("cache/written", dead);
    const kept = await leave("out/csv", container);
    const keptCache = await leave("cache/written", container);
    await convert(dataset, "csv");
    assert.deepEqual((await readdir(join(root, "out"))).sort(), [kept, "csv"].sort());
    assert.deepEqual((await readdir(join(root, "cache"))).sort(), ["index", keptCache].sort());
  });
});

test("the embedded data set has the same pixels if it is written as files and read with the same image size", async (context) => {
  const { root, common, open } = await made(context);
  const imageSize = 20;
  const generated = (await openDataset({ data: "synthetic:60", ...common })) as GeneratedDataset;
  for (const to of writtenForms) {
    const out = join(root, `synthetic-${to}`);
    await writeSynthetic(generated, { out, to, imageSize, ...common });
    const dataset = await open(out);
    const cache = await openImageCache({ dataset, imageSize, ...common });
    const pixels = new Map<string, Uint8Array>();
    for (const sample of cache.samples) {
      const into = new Uint8Array(imageSize * imageSize * 3);
      await cache.read(sample, into, 0);
      const number = /(\d+)\.png/.exec(dataset.imageName(sample))?.[1] ?? "";
      pixels.set(`${dataset.origin[sample]} ${number}`, into);
    }
    await cache.close();
    for (let sample = 0; sample < 60; sample++) {
      const expected = new Uint8Array(imageSize * imageSize * 3);
      generated.generate(sample, imageSize, expected, 0);
      const name = `${generated.origin[sample]} ${generated.imageName(sample).split("/")[1]}`;
      assert.deepEqual(pixels.get(name), expected, name);
    }
    assert.equal(pixels.size, 60);
  }
});
