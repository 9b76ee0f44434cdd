import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  appendFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { defaultCacheDir } from "./cache-dir.js";
import type { Dataset, EncodedDataset, Progress } from "./dataset.js";
import { labelsOf } from "./labels/label-table.js";
import { openDataset, splitDataset } from "./open-dataset.js";
import {
  labelHeader,
  labelRow,
  recordingLog,
  temporaryFolder,
  warningsOf,
  writeMadeFolder,
} from "./testing/made-folder.js";
import { userErrorMessage } from "./testing/user-error-message.js";

async function made(context: TestContext) {
  const root = await temporaryFolder(context);
  const data = join(root, "data");
  const cacheDir = join(root, "cache");
  await mkdir(data);
  await writeMadeFolder(data, { numTrain: 12, numVal: 5 });
  const log = recordingLog();
  const open = (): Promise<Dataset> => openDataset({ data, cacheDir, log });
  return { root, data, cacheDir, log, open };
}

function facts(dataset: Dataset): unknown {
  const { numSamples } = dataset.labels;
  return Array.from({ length: numSamples }, (_, i) => [
    dataset.origin[i],
    dataset.contentSha256(i),
    labelsOf(dataset.labels, i),
  ]);
}

async function readEncoded(dataset: Dataset, sample: number): Promise<Uint8Array> {
  assert.equal(dataset.pixelSource, "encoded");
  return (dataset as EncodedDataset).readEncoded(sample);
}

describe("a FairFace folder", () => {
  test("opens in canonical order, and each sample has its own labels, origin, name and bytes", async (context) => {
    const { data, open } = await made(context);
    const dataset = await open();
    assert.equal(dataset.kind, "fairface");
    assert.equal(dataset.labels.numSamples, 17);
    assert.deepEqual(Array.from(dataset.origin), [...Array(12).fill(0), ...Array(5).fill(1)]);
    for (let sample = 0; sample < 17; sample++) {
      const name = dataset.imageName(sample);
      const number = Number(/\d+/.exec(name)?.[0]) + (name.startsWith("val") ? 12 : 0);
      assert.deepEqual(labelsOf(dataset.labels, sample), { gender: number % 2, race: number % 7, ageBin: number % 9 });
      assert.deepEqual(await readEncoded(dataset, sample), await readFile(join(data, name)));
    }
    const train = Array.from({ length: 12 }, (_, sample) => dataset.contentSha256(sample));
    assert.deepEqual(train, [...train].sort());
  });

  test("has the same fingerprint and order with other file names and another order of rows", async (context) => {
    const { data, open } = await made(context);
    const before = await open();
    await rename(join(data, "train"), join(data, "renamed"));
    const rows = (await readFile(join(data, "fairface_label_train.csv"), "utf8")).trim().split("\n").slice(1).reverse();
    const text = [labelHeader, ...rows.map((row) => row.replace("train/", "renamed/"))].join("\r\n");
    await writeFile(join(data, "fairface_label_train.csv"), text);
    const after = await open();
    assert.equal(after.fingerprint, before.fingerprint);
    assert.deepEqual(facts(after), facts(before));
  });

  test("has another fingerprint if a label, a part or a byte differs", async (context) => {
    const { data, open } = await made(context);
    const fingerprints = new Set([(await open()).fingerprint]);
    const csv = join(data, "fairface_label_train.csv");
    const text = await readFile(csv, "utf8");
    await writeFile(csv, text.replace("Male", "Female"));
    fingerprints.add((await open()).fingerprint);
    const row = text.trim().split("\n").at(-1) ?? "";
    await writeFile(csv, text.replace(`${row}\n`, ""));
    await appendFile(join(data, "fairface_label_val.csv"), `${row}\n`);
    fingerprints.add((await open()).fingerprint);
    await appendFile(join(data, "train/0.jpg"), "x");
    fingerprints.add((await open()).fingerprint);
    assert.equal(fingerprints.size, 4);
  });

  test("is refused with one line that names the missing folder, label file or image", async (context) => {
    const { root, data, cacheDir, log, open } = await made(context);
    const missing = join(root, "absent");
    assert.match(
      await userErrorMessage(openDataset({ data: missing, cacheDir, log })),
      /data .*absent is missing; accepted are a folder with fairface_label_train.csv, .*or "synthetic" \(--data\)/,
    );
    assert.match(
      await userErrorMessage(openDataset({ data: join(data, "train/0.jpg"), cacheDir, log })),
      /0.jpg is not a folder; accepted are a folder with fairface_label_train.csv/,
    );
    await rm(join(data, "train/3.jpg"));
    await rm(join(data, "train/7.jpg"));
    assert.match(
      await userErrorMessage(open()),
      /fairface_label_train.csv, line 5: image "train\/3.jpg" is missing in .*\(and 1 more images cannot be used\); put the image/,
    );
    await rm(join(data, "fairface_label_val.csv"));
    assert.match(
      await userErrorMessage(open()),
      /label file fairface_label_val.csv is missing in .*; a FairFace folder holds/,
    );
  });

  test("is refused if an image is empty or is a folder, and the message names it", async (context) => {
    const { data, open } = await made(context);
    await truncate(join(data, "val/1.jpg"));
    assert.match(
      await userErrorMessage(open()),
      /fairface_label_val.csv, line 3: image "val\/1.jpg" is empty \(0 bytes\)/,
    );
    await rm(join(data, "val/1.jpg"));
    await mkdir(join(data, "val/1.jpg"));
    assert.match(await userErrorMessage(open()), /image "val\/1.jpg" is not a file/);
  });

  test("refuses to read an image that has changed since the data set was opened", async (context) => {
    const { data, open } = await made(context);
    const dataset = await open();
    await appendFile(join(data, dataset.imageName(4)), "x");
    assert.match(await userErrorMessage(readEncoded(dataset, 4)), /changed while it was in use/);
  });

  test("is refused with a cache folder inside it, also through a link", async (context) => {
    const { root, data, log } = await made(context);
    assert.match(
      await userErrorMessage(openDataset({ data, cacheDir: join(data, "cache"), log })),
      /is inside the data folder/,
    );
    await symlink(data, join(root, "link"));
    assert.match(
      await userErrorMessage(openDataset({ data: join(root, "link"), cacheDir: join(data, "x"), log })),
      /is inside the data folder/,
    );
    assert.deepEqual((await readdir(data)).sort(), [
      "fairface_label_train.csv",
      "fairface_label_val.csv",
      "train",
      "val",
    ]);
  });
});

describe("the content index", () => {
  test("warns if an image has other bytes than at the last start, and does not warn if only its times have changed", async (context) => {
    const { data, log, open } = await made(context);
    const before = await open();
    await utimes(join(data, "train/1.jpg"), 1, 1);
    await open();
    assert.deepEqual(warningsOf(log), []);
    await writeFile(join(data, "train/2.jpg"), await readFile(join(data, "train/3.jpg")));
    assert.notEqual((await open()).fingerprint, before.fingerprint);
    assert.deepEqual(warningsOf(log), ["images have changed since they were last indexed"]);
  });

  test("makes the second start read only the images that have changed", async (context) => {
    const { data, log, open } = await made(context);
    const hashed = (): unknown[] =>
      log.lines.filter(({ fields }) => "hashed" in fields).map(({ fields }) => fields.hashed);
    const before = await open();
    assert.equal((await open()).fingerprint, before.fingerprint);
    await utimes(join(data, "train/2.jpg"), 1, 1);
    assert.equal((await open()).fingerprint, before.fingerprint);
    assert.deepEqual(hashed(), [17, 0, 1]);
  });

  test("keeps the images that other label files of the folder name, as long as they exist", async (context) => {
    const { data, cacheDir, log } = await made(context);
    const hashedFor = async (part: string): Promise<number | undefined> => {
      await openDataset({ data: join(data, `fairface_label_${part}.csv`), cacheDir, log });
      return log.lines.findLast(({ fields }) => fields.hashed !== undefined)?.fields.hashed;
    };
    const hashed = [];
    for (const part of ["train", "val", "train", "val"]) hashed.push(await hashedFor(part));
    assert.deepEqual(hashed, [12, 5, 0, 0]);
    await rm(join(data, "val/2.jpg"));
    await appendFile(join(data, "train/3.jpg"), "x");
    assert.equal(await hashedFor("train"), 1);
    const [name = ""] = await readdir(join(cacheDir, "index"));
    const lines = (await readFile(join(cacheDir, "index", name), "utf8")).split("\n").slice(1);
    assert.equal(lines.length, 16);
    assert.ok(!lines.some((line) => line.endsWith("val/2.jpg")));
  });

  test("is written again with a warning if it is damaged", async (context) => {
    const { cacheDir, log, open } = await made(context);
    const before = await open();
    const [name = ""] = await readdir(join(cacheDir, "index"));
    const path = join(cacheDir, "index", name);
    const text = await readFile(path, "utf8");
    const flipped = before.contentSha256(3).replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
    for (const damaged of [text.replace(before.contentSha256(3), flipped), text.slice(0, -5), "", "\0".repeat(100)]) {
      await writeFile(path, damaged);
      assert.equal((await open()).fingerprint, before.fingerprint);
      assert.match(warningsOf(log).at(-1) ?? "", /content index is damaged/);
    }
    assert.equal(warningsOf(log).length, 4);
    assert.equal(await readFile(path, "utf8"), text);
  });

  test("reports progress and stops when its signal is aborted", async (context) => {
    const { data, cacheDir, log } = await made(context);
    const seen: Progress[] = [];
    const stop = new AbortController();
    stop.abort(new Error("stopped by the test"));
    await assert.rejects(openDataset({ data, cacheDir, log, signal: stop.signal }), /stopped by the test/);
    await openDataset({ data, cacheDir, log, onProgress: (progress) => seen.push(progress) });
    assert.deepEqual(seen.at(0), { stage: "indexing", done: 0, total: 17 });
    assert.deepEqual(seen.at(-1), { stage: "indexing", done: 17, total: 17 });
  });

  test("names the cache folder and the flag if it cannot be written", async (context) => {
    const { root, data, log } = await made(context);
    const cacheDir = join(root, "taken");
    await writeFile(cacheDir, "a file");
    assert.match(
      await userErrorMessage(openDataset({ data, cacheDir, log })),
      /cache folder .*taken: .*choose another path \(--cache-dir\)/,
    );
  });
});

describe("splitting a data set", () => {
  test("counts and logs exact duplicates, and warns about validation images that are also in the training part", async (context) => {
    const { data, log, open } = await made(context);
    const copies: [string, string, string][] = [
      ["train", "train/0.jpg", "train/copy.jpg"],
      ["val", "train/1.jpg", "val/copy.jpg"],
    ];
    for (const [part, from, to] of copies) {
      await writeFile(join(data, to), await readFile(join(data, from)));
      await appendFile(join(data, `fairface_label_${part}.csv`), `${labelRow(to, 0)}\n`);
    }
    const dataset = await open();
    const random = splitDataset(dataset, { split: "random", subset: 1, seed: 1, log });
    assert.equal(random.duplicatesRemoved, 2);
    assert.equal(random.train.length + random.val.length + random.test.length, 17);
    assert.ok(log.lines.some(({ fields }) => fields.duplicatesRemoved === 2));
    assert.deepEqual(warningsOf(log), []);
    const official = splitDataset(dataset, { split: "official", subset: 1, seed: 1, log });
    assert.deepEqual([official.train.length, official.val.length, official.leaked], [13, 6, 1]);
    assert.match(
      warningsOf(log)[0] ?? "",
      /^the training part also holds 1 of the 6 validation images; --split random /,
    );
  });
});

describe("the package", () => {
  test("opens synthetic:N as N images, and refuses an N that is not a number", async () => {
    const log = recordingLog();
    const open = (data: string): Promise<Dataset> => openDataset({ data, cacheDir: "/nowhere", log });
    assert.equal((await open("synthetic:40")).labels.numSamples, 40);
    assert.equal((await open("synthetic")).labels.numSamples, 4000);
    for (const data of ["synthetic:", "synthetic:0", "synthetic:many", "synthetic:1.5"]) {
      assert.match(await userErrorMessage(open(data)), /is not a number of images/);
    }
  });

  test("puts caches into XDG_CACHE_HOME if that is an absolute path, otherwise into the home folder", () => {
    assert.equal(defaultCacheDir({ XDG_CACHE_HOME: "/somewhere" }), "/somewhere/lockstep");
    assert.match(defaultCacheDir({ XDG_CACHE_HOME: "relative" }), /\/\.cache\/lockstep$/);
    assert.match(defaultCacheDir({}), /\/\.cache\/lockstep$/);
  });

  test("names the flag and the variable to set if there is no home folder", () => {
    const { HOME } = process.env;
    process.env["HOME"] = "";
    try {
      assert.throws(
        () => defaultCacheDir({}),
        /^UserError: no folder for decoded images: .*--cache-dir.*XDG_CACHE_HOME$/,
      );
      assert.equal(defaultCacheDir({ XDG_CACHE_HOME: "/somewhere" }), "/somewhere/lockstep");
    } finally {
      process.env["HOME"] = HOME;
    }
  });

  test("does not load sharp when it is imported", async () => {
    const index = fileURLToPath(new URL("./index.js", import.meta.url));
    const script = `
      const { createPlan, drawSplit } = await import(${JSON.stringify(index)});
      createPlan({ trainSamples: 10, valSamples: 0, microBatch: 1, globalBatch: 2, epochs: 1, seed: 0 });
      process.stdout.write(JSON.stringify(process.report.getReport().sharedObjects));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
    const libraries = JSON.parse(stdout) as string[];
    assert.ok(libraries.length > 0);
    assert.deepEqual(
      libraries.filter((library) => /sharp|vips/.test(library)),
      [],
    );
  });
});
