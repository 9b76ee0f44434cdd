import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { temporaryFolder } from "../testing/made-folder.js";
import { userErrorMessage } from "../testing/user-error-message.js";
import { dataForm, type PartFile } from "./data-form.js";

async function folderOf(context: TestContext, files: readonly string[]): Promise<string> {
  const folder = await temporaryFolder(context);
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), "");
  }
  return folder;
}

/** Returns the kind of the form, and its files with their parts: 0 train, 1 val, 2 test. */
async function recognised(context: TestContext, files: readonly string[], inside = "."): Promise<unknown[]> {
  const form = await dataForm(join(await folderOf(context, files), inside));
  return form.kind === "fairface" ? [form.kind] : [form.kind, ...form.files.map(({ file, origin }) => [file, origin])];
}

describe("the form of the data", () => {
  test("is recognised by the files that a folder holds", async (context) => {
    assert.deepEqual(await recognised(context, ["fairface_label_train.csv", "labels.csv", "train/1.jpg"]), [
      "fairface",
    ]);
    assert.deepEqual(await recognised(context, ["labels.csv", "notes.csv", "1.jpg"]), ["csv", ["labels.csv", 0]]);
    assert.deepEqual(await recognised(context, ["train.csv", "Validation.csv", "test.csv"]), [
      "csv",
      ["Validation.csv", 1],
      ["test.csv", 2],
      ["train.csv", 0],
    ]);
    assert.deepEqual(await recognised(context, ["train-000000.tar", "val-{000000..1}.tar", "test-0.TAR"]), [
      "webdataset",
      ["test-0.TAR", 2],
      ["train-000000.tar", 0],
      ["val-{000000..1}.tar", 1],
    ]);
    assert.deepEqual(await recognised(context, ["shard-0.tar", "shard-1.tar"]), [
      "webdataset",
      ["shard-0.tar", 0],
      ["shard-1.tar", 0],
    ]);
  });

  test("is Parquet if the files are in the folder, in data/, in the folder of a config or in the folder of a part", async (context) => {
    const hub = ["train-00000-of-00001.parquet", "validation-00000-of-00001.parquet", "test-00000-of-00001.parquet"];
    for (const under of ["", "data/", "1.25/", "default/data/"]) {
      assert.deepEqual(await recognised(context, [...hub.map((name) => `${under}${name}`), "README.md"]), [
        "parquet",
        [`${under}test-00000-of-00001.parquet`, 2],
        [`${under}train-00000-of-00001.parquet`, 0],
        [`${under}validation-00000-of-00001.parquet`, 1],
      ]);
    }
    assert.deepEqual(await recognised(context, ["default/train/0000.parquet", "default/dev/0000.parquet"]), [
      "parquet",
      ["default/dev/0000.parquet", 1],
      ["default/train/0000.parquet", 0],
    ]);
  });

  test("is Parquet if links lead to the files; with a link to a folder above, no file is listed twice", async (context) => {
    const folder = await folderOf(context, ["train/0.parquet"]);
    const elsewhere = await folderOf(context, ["0.parquet", "data/1.parquet", "one.parquet"]);
    await symlink(elsewhere, join(folder, "validation"));
    await symlink(join(elsewhere, "one.parquet"), join(folder, "train/one.parquet"));
    await symlink("..", join(folder, "train/up"));
    await symlink("absent", join(folder, "nowhere"));
    const { files } = (await dataForm(folder)) as { files?: readonly PartFile[] };
    assert.deepEqual(
      files?.map(({ file, origin }) => [file, origin]),
      [
        ["train/0.parquet", 0],
        ["train/one.parquet", 0],
        ["validation/0.parquet", 1],
        ["validation/data/1.parquet", 1],
        ["validation/one.parquet", 1],
      ],
    );
  });

  test("is refused if a Parquet file is too deep in the folder, with or without other Parquet files", async (context) => {
    for (const files of [["a/b/c/train.parquet"], ["train.parquet", "a/b/c/train.parquet"]]) {
      assert.match(
        await userErrorMessage(dataForm(await folderOf(context, files))),
        /"a\/b\/c\/train.parquet" is more than 2 folders deep; name the folder to use, e.g. --data \/.*\/a\/b\/c$/,
      );
    }
  });

  test("is recognised for a single file", async (context) => {
    assert.deepEqual(await recognised(context, ["faces.csv", "other.csv"], "faces.csv"), ["csv", ["faces.csv", 0]]);
    assert.deepEqual(await recognised(context, ["val.parquet"], "val.parquet"), ["parquet", ["val.parquet", 1]]);
    assert.deepEqual(await recognised(context, ["x.tar"], "x.tar"), ["webdataset", ["x.tar", 0]]);
  });

  test("is refused if it is not recognised or if there are several, and the message names what was found", async (context) => {
    const errorMessage = async (files: readonly string[], inside = ".") =>
      userErrorMessage(dataForm(join(await folderOf(context, files), inside)));
    assert.match(
      await errorMessage(["a.jpg", "b.jpg"]),
      /its form is not recognised, found "a.jpg", "b.jpg"; accepted are a folder with fairface_label_train.csv, a .csv/,
    );
    assert.match(await errorMessage([]), /found nothing; accepted are/);
    assert.match(
      await errorMessage(["labels.csv", "train-0.tar"]),
      /holds several forms of data, "labels.csv" and "train-0.tar"; name the file to use/,
    );
    assert.match(
      await errorMessage(["labels.csv", "train.csv"]),
      /"train.csv", "labels.csv" name the same images twice; name the file to use/,
    );
    assert.match(await errorMessage(["val.csv", "validation.csv"]), /name the same images twice; name the file to use/);
    assert.match(
      await errorMessage(["0.25/train-0.parquet", "1.25/train-0.parquet"]),
      /holds several data sets, "0.25", "1.25"; name one, e.g. --data \/.*\/0.25$/,
    );
    assert.match(
      await errorMessage(["train-0.tar", "more.tar"]),
      /the name "train-0.tar" contains a part and the name "more.tar" does not; name every file after its part/,
    );
    assert.match(await errorMessage(["x.tar.gz"], "x.tar.gz"), /x.tar.gz is a packed archive: unpack it first/);
    assert.match(await errorMessage(["x.txt"], "x.txt"), /x.txt is not a folder; accepted are/);
    assert.match(
      await errorMessage([], "absent"),
      /absent is missing; accepted are a folder with fairface_label_train.csv/,
    );
  });
});
