// Tests images that are missing, damaged or unusual: openDataset refuses them by name, or leaves them out and counts
// them.
import assert from "node:assert/strict";
import {
  appendFile,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { openImageCache } from "./cache/image-cache.js";
import type { DataOptions } from "./data-options.js";
import type { Dataset } from "./dataset.js";
import { openDataset } from "./open-dataset.js";
import { imageBomb } from "./testing/image-bomb.js";
import {
  labelRow,
  madeJpeg,
  recordingLog,
  temporaryFolder,
  warningsOf,
  writeMadeFolder,
} from "./testing/made-folder.js";
import { userErrorMessage } from "./testing/user-error-message.js";

async function made(context: TestContext) {
  const root = await temporaryFolder(context);
  const [data, cacheDir] = [join(root, "data"), join(root, "cache")];
  await mkdir(data);
  await writeMadeFolder(data, { numTrain: 12, numVal: 5 });
  const log = recordingLog();
  const open = (options: Partial<DataOptions> = {}): Promise<Dataset> =>
    openDataset({ data, cacheDir, log, ...options });
  return { root, data, cacheDir, log, open };
}

/** Makes five images unusable, each for another reason. Returns what is expected to be reported for each. */
async function breakImages(data: string): Promise<Readonly<Record<string, RegExp>>> {
  const whole = await readFile(join(data, "train/1.jpg"));
  await writeFile(join(data, "train/1.jpg"), whole.subarray(0, whole.length - 100));
  await writeFile(join(data, "train/4.jpg"), "<!doctype html><title>404</title>");
  await writeFile(join(data, "train/6.jpg"), imageBomb(50_000));
  await truncate(join(data, "train/9.jpg"));
  await rm(join(data, "val/2.jpg"));
  return {
    "train/1.jpg": /^cannot be decoded \(/,
    "train/4.jpg": /^cannot be decoded \(it is a web page/,
    "train/6.jpg": /^cannot be decoded \(Input image exceeds pixel limit\)/,
    "train/9.jpg": /^is empty \(0 bytes\) in /,
    "val/2.jpg": /^is missing in /,
  };
}

describe("--on-bad-image", () => {
  test("skip reports unusable images with place and reason; the fingerprint is that of the data without their rows", async (context) => {
    const { data, log, open } = await made(context);
    const broken = await breakImages(data);
    const dataset = await open({ onBadImage: "skip" });
    assert.equal(dataset.labels.numSamples, 12);
    assert.deepEqual(dataset.skipped.map(({ name }) => name).sort(), Object.keys(broken));
    for (const { name, namedAt, problem } of dataset.skipped) {
      assert.match(problem, broken[name] ?? /^never/);
      const [part, number] = [name.split("/")[0], Number(/\d+/.exec(name)?.[0])];
      assert.equal(namedAt, `${join(data, `fairface_label_${part}.csv`)}, line ${number + 2}`);
    }
    assert.deepEqual(warningsOf(log), ["left out 5 images that cannot be used"]);
    for (const part of ["train", "val"]) {
      const path = join(data, `fairface_label_${part}.csv`);
      const lines = (await readFile(path, "utf8")).split("\n");
      await writeFile(path, lines.filter((line) => !((line.split(",")[0] ?? "") in broken)).join("\n"));
      for (const name of Object.keys(broken)) await rm(join(data, name), { force: true });
    }
    assert.equal((await open()).fingerprint, dataset.fingerprint);
  });

  test("skip decodes each good image once: the next start reads the list of good images and decodes only the failed ones", async (context) => {
    const { data, cacheDir, log, open } = await made(context);
    const checked = (): unknown[] => log.lines.flatMap(({ fields }) => ("checked" in fields ? [fields.checked] : []));
    await writeFile(join(data, "train/3.jpg"), "no image");
    const first = await open({ onBadImage: "skip" });
    const again = await open({ onBadImage: "skip" });
    assert.deepEqual([again.fingerprint, again.skipped], [first.fingerprint, first.skipped]);
    await writeFile(join(data, "train/3.jpg"), await madeJpeg(99));
    assert.deepEqual((await open({ onBadImage: "skip" })).skipped, []);
    assert.deepEqual((await open({ onBadImage: "skip" })).skipped, []);
    assert.deepEqual(checked(), [17, 1, 1, 0]);
    const [name = ""] = await readdir(join(cacheDir, "decodable"));
    await appendFile(join(cacheDir, "decodable", name), "x");
    assert.deepEqual((await open({ onBadImage: "skip" })).skipped, []);
    assert.deepEqual(checked(), [17, 1, 1, 0, 17]);
    assert.match(
      warningsOf(log).at(-1) ?? "",
      /list of decodable images is damaged or of another version and is written again/,
    );
  });

  test("fail, the default, names the first missing image and counts the others; openImageCache names an image that cannot be decoded", async (context) => {
    const { data, cacheDir, log, open } = await made(context);
    await breakImages(data);
    assert.match(
      await userErrorMessage(open()),
      /_train.csv, line 11: image "train\/9.jpg" is empty .*\(and 1 more images cannot be used\); .* \(--on-bad-image skip\)$/,
    );
    await writeFile(join(data, "train/9.jpg"), await madeJpeg(9));
    await writeFile(join(data, "val/2.jpg"), await madeJpeg(14));
    const dataset = await open();
    assert.deepEqual(dataset.skipped, []);
    assert.match(
      await userErrorMessage(openImageCache({ dataset, imageSize: 16, cacheDir, log })),
      /^image "train\/\d.jpg" cannot be decoded \(.*\); replace it, .* or leave such images out \(--on-bad-image skip\)$/,
    );
  });

  test("skip refuses a data set without a usable image", async (context) => {
    const { data, open } = await made(context);
    await rm(join(data, "train"), { recursive: true });
    await rm(join(data, "val"), { recursive: true });
    assert.match(
      await userErrorMessage(open({ onBadImage: "skip" })),
      /no image .* can be used: all 17 are unusable, e.g. "train\/0.jpg" is missing/,
    );
  });
});

describe("a missing file", () => {
  test("is reported with an existing file of nearly the same name, and that file is not counted as an image without a row", async (context) => {
    const { data, log, open } = await made(context);
    const names = ["fairface_label_train.csv", "fairface_label_val.csv"].map((name) => join(data, name));
    const [train = ""] = names;
    const composed = "train/zo\u00eb.jpg";
    await writeFile(train, (await readFile(train, "utf8")).replace("train/1.jpg", composed));
    await rename(join(data, "train/1.jpg"), join(data, composed.normalize("NFD")));
    await rename(join(data, "train/2.jpg"), join(data, "train/2.JPG"));
    await rename(join(data, "train/3.jpg"), join(data, "train/ 3.jpg"));
    await rename(join(data, "train/4.jpg"), join(data, "train/4.jpeg"));
    await rename(join(data, "val"), join(data, "Val"));
    await rm(join(data, "train/5.jpg"));
    const dataset = await open({ onBadImage: "skip" });
    const problems = new Map(dataset.skipped.map(({ name, problem }) => [name, problem.replace(data, "DATA")]));
    const there = (name: string, what: string): string =>
      `is missing in DATA (there is "${name}", whose name differs in ${what})`;
    assert.deepEqual(Object.fromEntries(problems), {
      [composed]: there(composed.normalize("NFD"), "its Unicode form"),
      "train/2.jpg": there("train/2.JPG", "letter case"),
      "train/3.jpg": there("train/ 3.jpg", "blanks"),
      "train/4.jpg": there("train/4.jpeg", "its ending"),
      "train/5.jpg": "is missing in DATA",
      ...Object.fromEntries([0, 1, 2, 3, 4].map((n) => [`val/${n}.jpg`, there(`Val/${n}.jpg`, "letter case")])),
    });
    assert.deepEqual(dataset.unlabelled, []);
    assert.equal(warningsOf(log).filter((warning) => warning.includes("do not name")).length, 0);
    assert.match(
      await userErrorMessage(open()),
      /image "train\/zo.*" is missing in .* \(there is .*\).*; put the image there/,
    );
  });

  test("is reported in the same way if it is the data folder or a label file", async (context) => {
    const { root, data, open } = await made(context);
    assert.match(
      await userErrorMessage(open({ data: join(root, "Data") })),
      /Data is missing \(there is "data", whose name differs in letter case\); accepted are/,
    );
    await rename(join(data, "fairface_label_val.csv"), join(data, "fairface_label_Val.csv"));
    assert.match(
      await userErrorMessage(open()),
      /label file fairface_label_val.csv is missing \(there is "fairface_label_Val.csv", whose name differs in letter case\) in /,
    );
  });
});

describe("images of a folder", () => {
  test("that two paths lead to count as named if a row has either path", async (context) => {
    const { data, open } = await made(context);
    const train = join(data, "fairface_label_train.csv");
    await symlink("train", join(data, "linked"));
    await writeFile(train, (await readFile(train, "utf8")).replace("train/3.jpg", "linked/3.jpg"));
    assert.deepEqual((await open()).unlabelled, []);
  });

  test("that have no row are left out, counted and named", async (context) => {
    const { data, log, open } = await made(context);
    for (const name of ["train/extra.jpg", "val/b.PNG", "train/notes.txt"]) await writeFile(join(data, name), "x");
    const dataset = await open();
    assert.deepEqual(dataset.unlabelled, ["train/extra.jpg", "val/b.PNG"]);
    assert.deepEqual(warningsOf(log), ["left out 2 images that the labels do not name: train/extra.jpg, val/b.PNG"]);
  });

  test("that both label files name are refused, and the message has both places", async (context) => {
    const { data, open } = await made(context);
    await appendFile(join(data, "fairface_label_val.csv"), `${labelRow("train/3.jpg", 3)}\n`);
    assert.match(
      await userErrorMessage(open()),
      /_val.csv, line 7: image "train\/3.jpg" is already named in .*_train.csv, line 5, with the same labels; delete one/,
    );
    await rename(join(data, "fairface_label_val.csv"), join(data, "old.csv"));
    const text = (await readFile(join(data, "old.csv"), "utf8")).replace(
      labelRow("train/3.jpg", 3),
      labelRow("train/3.jpg", 4),
    );
    await writeFile(join(data, "fairface_label_val.csv"), text);
    assert.match(
      await userErrorMessage(open()),
      /with another gender \(Male here, Female there\); delete the wrong row/,
    );
  });

  test("may be in a linked folder; a link to a file outside the data is refused", async (context) => {
    const { root, data, open } = await made(context);
    const before = (await open()).fingerprint;
    await rename(join(data, "train"), join(root, "elsewhere"));
    await symlink(join(root, "elsewhere"), join(data, "train"));
    assert.equal((await open()).fingerprint, before);
    await rename(join(root, "elsewhere/2.jpg"), join(root, "elsewhere/real.jpg"));
    await symlink("real.jpg", join(root, "elsewhere/2.jpg"));
    assert.equal((await open()).fingerprint, before);
    await copyFile(join(data, "val/1.jpg"), join(root, "secret.jpg"));
    await rm(join(data, "val/1.jpg"));
    await symlink(join(root, "secret.jpg"), join(data, "val/1.jpg"));
    assert.match(await userErrorMessage(open()), /image "val\/1.jpg" is a link to a file outside .*data/);
    assert.deepEqual(
      (await open({ onBadImage: "skip" })).skipped.map(({ name }) => name),
      ["val/1.jpg"],
    );
  });

  test("above 256 MiB are refused because of their size and are not read", async (context) => {
    const { data, open } = await made(context);
    await truncate(join(data, "train/5.jpg"), 2 ** 29); // a sparse file
    assert.match(await userErrorMessage(open()), /image "train\/5.jpg" has 512.0 MiB, more than 256.0 MiB, in /);
  });

  test("are recognised by their content if their name has the ending of another format", async (context) => {
    const { data, cacheDir, log, open } = await made(context);
    const { default: sharp } = await import("sharp");
    await writeFile(
      join(data, "train/0.jpg"),
      await sharp(await madeJpeg(0))
        .png()
        .toBuffer(),
    );
    await writeFile(
      join(data, "train/1.jpg"),
      await sharp(await madeJpeg(1))
        .webp()
        .toBuffer(),
    );
    await writeFile(
      join(data, "train/2.jpg"),
      await sharp(await madeJpeg(2))
        .toColourspace("cmyk")
        .jpeg()
        .toBuffer(),
    );
    const dataset = await open({ onBadImage: "skip" });
    assert.deepEqual(dataset.skipped, []);
    const cache = await openImageCache({ dataset, imageSize: 16, cacheDir, log });
    assert.equal(cache.samples.length, 17);
    await cache.close();
  });
});
