import assert from "node:assert/strict";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { EncodedDataset } from "../dataset.js";
import { labelsOf } from "../labels/label-table.js";
import { openDataset } from "../open-dataset.js";
import { madeJpeg, recordingLog, temporaryFolder, warningsOf } from "../testing/made-folder.js";
import { type Member, someLabels, writeTar } from "../testing/made-tar.js";
import { userErrorMessage } from "../testing/user-error-message.js";

async function made(context: TestContext, members: readonly Member[], name = "train-000000.tar") {
  const root = await temporaryFolder(context);
  const data = join(root, "shards");
  const path = join(data, name);
  const bytes = await writeTar(path, members);
  const log = recordingLog();
  const open = (options: object = {}) =>
    openDataset({ data, cacheDir: join(root, "cache"), log, ...options }) as Promise<EncodedDataset>;
  return { root, data, path, bytes, log, open };
}

async function otherThan(number: number, form: "png" | "webp"): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  return sharp(await madeJpeg(number))
    .toFormat(form)
    .toBuffer();
}

describe("tar shards", () => {
  test("are read for any order of members and any letter case of endings", async (context) => {
    const [first, second, third] = [await madeJpeg(1), await otherThan(2, "png"), await otherThan(3, "webp")];
    const longName = `${"long/".repeat(40)}3`;
    const { open, log } = await made(context, [
      ["a", "", "directory"],
      ["a/1.json", JSON.stringify({ gender: "Female", race: "Indian", age: "20-29", extra: [1] })],
      ["a/1.txt", "a caption"],
      ["a/1.JPG", first],
      ["._1.jpg", "left by a file manager"],
      ["a/2.PNG", second],
      [`${longName}.webp`, third],
      ["a/2.json", someLabels],
      [`${longName}.JSON`, someLabels],
    ]);
    const dataset = await open();
    const names = Array.from({ length: 3 }, (_, sample) => dataset.imageName(sample)).sort();
    assert.deepEqual(
      names,
      ["a/1.JPG", "a/2.PNG", `${longName}.webp`].map((name) => `train-000000.tar/${name}`),
    );
    const bytes = new Map<string, Uint8Array>();
    for (let sample = 0; sample < 3; sample++) bytes.set(dataset.imageName(sample), await dataset.readEncoded(sample));
    assert.deepEqual(bytes.get(names[0] ?? ""), Buffer.from(first));
    assert.deepEqual(bytes.get(names[1] ?? ""), Buffer.from(second));
    assert.deepEqual(bytes.get(names[2] ?? ""), Buffer.from(third));
    const sample = [0, 1, 2].find((index) => dataset.imageName(index) === names[0]) ?? -1;
    assert.deepEqual(labelsOf(dataset.labels, sample), { gender: 1, race: 5, ageBin: 3 });
    assert.deepEqual(warningsOf(log), []);
  });

  test("report JSON without an image, links and empty images as images that cannot be used", async (context) => {
    const members: Member[] = [
      ["1.jpg", await madeJpeg(1)],
      ["1.json", someLabels],
      ["2.json", someLabels],
      ["3.jpg", "1.jpg", "symlink"],
      ["3.json", someLabels],
      ["4.jpg", ""],
      ["4.json", someLabels],
    ];
    const { open, path } = await made(context, members);
    assert.match(
      await userErrorMessage(open()),
      /train-000000.tar, 2.json: image "train-000000.tar\/2" is missing in .* \(and 2 more images cannot be used\)/,
    );
    const { labels, skipped } = await open({ onBadImage: "skip" });
    assert.equal(labels.numSamples, 1);
    assert.deepEqual(
      skipped.map(({ problem }) => problem),
      [`is missing in ${path}`, `is a link, not a file in ${path}`, `is empty (0 bytes) in ${path}`],
    );
  });

  test("may not hold an image above 256 MiB, as in a folder of files", async (context) => {
    const small: Member[] = [
      ["1.jpg", await madeJpeg(1)],
      ["1.json", someLabels],
      ["2.json", someLabels],
    ];
    const { open, path } = await made(context, small);
    const bytes = await writeTar(path, [...small, ["2.jpg", "x"]]);
    // The header of the last member claims a larger size. The file is extended by zeros, which need no space on the
    // disk.
    const size = 2 ** 28 + 512;
    const headerAt = bytes.indexOf("2.jpg");
    const header = bytes.subarray(headerAt, headerAt + 512);
    header.write(size.toString(8).padStart(11, "0"), 124);
    header.fill(" ", 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    await writeFile(path, bytes);
    await truncate(path, headerAt + 512 + size + 1024);
    const { labels, skipped } = await open({ onBadImage: "skip" });
    assert.equal(labels.numSamples, 1);
    assert.deepEqual(
      skipped.map(({ problem }) => problem),
      [`has 256.0 MiB, more than 256.0 MiB, in ${path}`],
    );
  });

  test("may hold images without JSON, which are left out with a warning", async (context) => {
    const { open, log } = await made(context, [
      ["1.jpg", await madeJpeg(1)],
      ["1.json", someLabels],
      ["2.jpg", await madeJpeg(2)],
    ]);
    assert.deepEqual((await open()).unlabelled, ["train-000000.tar/2.jpg"]);
    assert.match(warningsOf(log)[0] ?? "", /left out 1 image that the labels do not name: train-000000.tar\/2.jpg$/);
  });

  test("are refused if a sample has two images, unless the user names the ending to use", async (context) => {
    const { open } = await made(context, [
      ["1.jpg", await madeJpeg(1)],
      ["1.seg.png", await otherThan(2, "png")],
      ["1.json", someLabels],
    ]);
    assert.match(
      await userErrorMessage(open()),
      /sample "1" has two images, "1.jpg" and "1.seg.png"; delete one, or name the ending of the image to use \(--columns file=jpg\)/,
    );
    const dataset = await open({ columns: { file: "seg.png" } });
    assert.equal(dataset.imageName(0), "train-000000.tar/1.seg.png");
  });

  test("are refused with numbers as classes or with missing keys, and are read with mapped keys and parts", async (context) => {
    const jpeg = await madeJpeg(1);
    const labelled = async (json: string) =>
      made(context, [
        ["1.jpg", jpeg],
        ["1.json", json],
      ]);
    const numbers = await labelled('{"gender": 0, "race": "White", "age": "3-9"}');
    assert.match(
      await userErrorMessage(numbers.open()),
      /1.json: gender is the number 0, and the data does not name its classes; store names \(Male, Female, …\)/,
    );
    const mapped = await labelled('{"gender": "Male", "ethnicity": "White", "age": "3-9", "fold": "validation"}');
    assert.match(
      await userErrorMessage(mapped.open()),
      /1.json: column "race" missing, found "gender", "ethnicity", "age", "fold"; name the columns that hold the labels/,
    );
    const dataset = await mapped.open({ columns: { race: "ethnicity", split: "fold" } });
    assert.deepEqual(Array.from(dataset.origin), [1]);
    for (const json of ["[1]", "null", "{"]) {
      assert.match(await userErrorMessage((await labelled(json)).open()), /1.json: is not a JSON object/);
    }
    const bare = await made(context, [
      ["1.jpg", jpeg],
      ["1.cls", "3"],
    ]);
    assert.match(
      await userErrorMessage(bare.open()),
      /its 1 tar shards hold no JSON; labels are read from a member N.json/,
    );
  });

  test("that are cut short at any place are refused, and the message has the byte", async (context) => {
    const members: Member[] = [];
    for (let number = 0; number < 4; number++) {
      members.push([`${number}.jpg`, await madeJpeg(number)], [`${number}.json`, someLabels]);
    }
    const { open, path, bytes } = await made(context, members);
    for (const size of [bytes.length - 1, bytes.length - 512, 3 * 512, 700, 1]) {
      await writeFile(path, bytes);
      await truncate(path, size);
      assert.match(
        await userErrorMessage(open()),
        new RegExp(`${path}: ends at byte ${size} without the end mark of a tar archive`),
      );
    }
    const long = await writeTar(path, [["1.jpg", Buffer.alloc(5000, 1)]]);
    await writeFile(path, Buffer.concat([long.subarray(0, 1024), Buffer.alloc(1024)]));
    assert.match(
      await userErrorMessage(open()),
      new RegExp(`${path}: cannot be read past byte \\d+ \\(.+\\); it is cut short`),
    );
    await writeFile(path, Buffer.concat([gzipSync(bytes), Buffer.alloc(1024)]));
    assert.match(await userErrorMessage(open()), /train-000000.tar: (ends at|cannot be read past) byte/);
    await writeFile(path, Buffer.concat([bytes, Buffer.alloc(2 ** 21)]));
    assert.match(await userErrorMessage(open()), /holds only zeros from byte \d+ on \(\d+ bytes\); it is cut short/);
    await writeFile(path, Buffer.concat([bytes, Buffer.alloc(9 * 1024)])); // as tar itself pads
    assert.equal((await open()).labels.numSamples, 4);
  });

  test("that change after they were indexed are detected when an image is read and at the next start", async (context) => {
    const { open, path, bytes, log } = await made(context, [
      ["1.jpg", await madeJpeg(1)],
      ["1.json", someLabels],
    ]);
    const dataset = await open();
    await writeFile(path, Buffer.concat([Buffer.alloc(512), bytes.subarray(512)].reverse()));
    assert.match(await userErrorMessage(dataset.readEncoded(0)), /changed while it was in use/);
    await writeTar(path, [
      ["1.jpg", await madeJpeg(2)],
      ["1.json", someLabels],
    ]);
    assert.notEqual((await open()).fingerprint, dataset.fingerprint);
    assert.deepEqual(warningsOf(log), ["a shard has changed since it was last indexed"]);
  });

  test("are no longer read when the signal is aborted", async (context) => {
    const { open } = await made(context, [
      ["1.jpg", await madeJpeg(1)],
      ["1.json", someLabels],
    ]);
    const stop = new AbortController();
    stop.abort(new Error("stopped by the test"));
    await assert.rejects(open({ signal: stop.signal }), /stopped by the test/);
  });
});
