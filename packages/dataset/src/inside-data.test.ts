import assert from "node:assert/strict";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { liesInsideData } from "./inside-data.js";
import { openDataset } from "./open-dataset.js";
import { recordingLog, temporaryFolder, writeMadeFolder } from "./testing/made-folder.js";
import { userErrorMessage } from "./testing/user-error-message.js";

async function made(context: TestContext) {
  const root = await temporaryFolder(context);
  const data = join(root, "data");
  await mkdir(data);
  await symlink(data, join(root, "link"));
  return { root, data };
}

test("a path inside the data is recognised through links, if it does not exist, and if the data is a file that names images", async (context) => {
  const { root, data } = await made(context);
  await writeFile(join(data, "labels.csv"), "");
  for (const folder of [data, join(root, "link"), join(data, "labels.csv"), join(root, "link/labels.csv")]) {
    for (const path of ["data", "data/out", "data/a/b/c", "link/out", "link/a/b", "data/..out", "other/../link/x"]) {
      assert.equal(await liesInsideData(join(root, path), folder), true, `${path} in ${folder}`);
    }
    for (const path of ["", "out", "data-2", "..data", "a/b/c"]) {
      assert.equal(await liesInsideData(join(root, path), folder), false, `${path} in ${folder}`);
    }
  }
  await writeFile(join(data, "train.parquet"), "");
  assert.equal(await liesInsideData(join(data, "cache"), join(data, "train.parquet")), false);
  assert.equal(await liesInsideData(join(root, "link/train.parquet"), join(data, "train.parquet")), true);
});

test("a cache folder inside the data is refused, also through a link or next to a label file", async (context) => {
  const { root, data } = await made(context);
  await writeMadeFolder(data, { numTrain: 2, numVal: 1 });
  const log = recordingLog();
  const file = join(data, "fairface_label_train.csv");
  for (const [named, cacheDir] of [
    [data, join(root, "link/cache")],
    [join(root, "link"), join(data, "cache")],
    [file, join(data, "cache")],
  ] as const) {
    assert.match(
      await userErrorMessage(openDataset({ data: named, cacheDir, log })),
      /^cache folder .*cache: is inside the data folder \(.*\); choose another folder \(--cache-dir\)$/,
    );
  }
  assert.deepEqual((await readdir(data)).sort(), [
    "fairface_label_train.csv",
    "fairface_label_val.csv",
    "train",
    "val",
  ]);
});
