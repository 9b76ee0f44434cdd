import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { Dataset } from "../dataset.js";
import type { LabelSchema } from "../labels/label-schema.js";
import { openDataset, splitDataset } from "../open-dataset.js";
import { madeJpeg, recordingLog, temporaryFolder, warningsOf } from "../testing/made-folder.js";
import { userErrorMessage } from "../testing/user-error-message.js";

async function made(context: TestContext, files: Readonly<Record<string, readonly string[]>>) {
  const root = await temporaryFolder(context);
  const data = join(root, "data");
  await mkdir(data);
  for (let number = 0; number < 4; number++) await writeFile(join(data, `${number}.jpg`), await madeJpeg(number));
  for (const [name, rows] of Object.entries(files)) await writeFile(join(data, name), `${rows.join("\n")}\n`);
  const log = recordingLog();
  const open = (options: object = {}): Promise<Dataset> =>
    openDataset({ data, cacheDir: join(root, "cache"), log, ...options });
  return { log, open };
}

const header = "file,gender,race,age";
const row = (file: string, more = ""): string => `${file},Male,White,3-9${more}`;

describe("the user's own label files", () => {
  test("give the part in a column named split or mapped to it, and a value that is not a part is refused", async (context) => {
    const rows = [row("0.jpg", ",train"), row("1.jpg", ",TEST"), row("2.jpg", ",val")];
    const named = await made(context, { "labels.csv": [`${header},split`, ...rows] });
    assert.deepEqual(Array.from((await named.open()).origin), [0, 1, 2]);
    const mapped = await made(context, { "labels.csv": [`${header},usage`, ...rows] });
    assert.deepEqual(Array.from((await mapped.open()).origin), [0, 0, 0]);
    assert.deepEqual(Array.from((await mapped.open({ columns: { split: "usage" } })).origin), [0, 1, 2]);
    assert.match(
      await userErrorMessage(mapped.open({ columns: { split: "fold" } })),
      /labels.csv, line 1: column "fold" missing, found "file", "gender", "race", "age", "usage"/,
    );
    const wrong = await made(context, { "labels.csv": [`${header},split`, row("0.jpg", ",holdout")] });
    assert.match(
      await userErrorMessage(wrong.open()),
      /line 2: split "holdout" is not a part of a data set; the parts are train/,
    );
  });

  test("that name no part belong to the training part, and the official split warns that there is no validation part", async (context) => {
    const { open, log } = await made(context, { "labels.csv": [header, row("0.jpg"), row("1.jpg")] });
    const dataset = await open();
    const { train, val } = splitDataset(dataset, { split: "official", subset: 1, seed: 0, log });
    assert.deepEqual([train.length, val.length], [2, 0]);
    assert.deepEqual(warningsOf(log), [
      "left out 2 images that the labels do not name: 2.jpg, 3.jpg",
      "the data has no validation part: training continues without one; --split random draws one",
    ]);
  });

  test("are refused if two of them name the same image", async (context) => {
    const { open } = await made(context, { "train.csv": [header, row("0.jpg")], "val.csv": [header, row("./0.jpg")] });
    assert.match(
      await userErrorMessage(open()),
      /val.csv, line 2: image "0.jpg" is already named in .*train.csv, line 2/,
    );
  });

  test("are read with any schema, also one with labels that are numbers", async (context) => {
    const schema: LabelSchema = {
      name: "tiny",
      fields: [
        { kind: "class", name: "mood", column: "mood", classes: ["glad", "sad"] },
        { kind: "number", name: "weight", column: "weight", least: 0 },
      ],
    };
    const { open } = await made(context, { "labels.csv": ["path,feeling,weight", "0.jpg,sad,1.5", "1.jpg,glad,2"] });
    const dataset = await open({ schema, columns: { mood: "feeling", file: "path" } });
    const { mood, weight } = dataset.labels.columns;
    assert.deepEqual(Array.from(mood ?? [], (value, sample) => [value, weight?.[sample]]).sort(), [
      [0, 2],
      [1, 1.5],
    ]);
    assert.match(
      await userErrorMessage(open({ schema, columns: { race: "feeling" } })),
      /"race" is not a column that the recipe reads; it reads mood, weight, file, split/,
    );
  });
});
