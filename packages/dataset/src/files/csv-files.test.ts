import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { Dataset } from "../dataset.js";
import type { LabelSchema } from "../labels/label-schema.js";
import { openDataset, splitDataset } from "../open-dataset.js";
import { complaintOf } from "../testing/complaint.js";
import { madeJpeg, recordingLog, temporaryFolder, warningsOf } from "../testing/made-folder.js";

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

describe("label files of one's own", () => {
  test("take parts from a column, be it called split or mapped, and refuse what is no part", async (context) => {
    const rows = [row("0.jpg", ",train"), row("1.jpg", ",TEST"), row("2.jpg", ",val")];
    const named = await made(context, { "labels.csv": [`${header},split`, ...rows] });
    assert.deepEqual(Array.from((await named.open()).origin), [0, 1, 2]);
    const mapped = await made(context, { "labels.csv": [`${header},usage`, ...rows] });
    assert.deepEqual(Array.from((await mapped.open()).origin), [0, 0, 0]);
    assert.deepEqual(Array.from((await mapped.open({ columns: { split: "usage" } })).origin), [0, 1, 2]);
    assert.match(
      await complaintOf(mapped.open({ columns: { split: "fold" } })),
      /labels.csv, line 1: column "fold" missing, found "file", "gender", "race", "age", "usage"/,
    );
    const wrong = await made(context, { "labels.csv": [`${header},split`, row("0.jpg", ",holdout")] });
    assert.match(
      await complaintOf(wrong.open()),
      /line 2: split "holdout" is no part of a data set; the parts are train/,
    );
  });

  test("without any part are all for training, and the official split says that nothing validates it", async (context) => {
    const { open, log } = await made(context, { "labels.csv": [header, row("0.jpg"), row("1.jpg")] });
    const dataset = await open();
    const { train, val } = splitDataset(dataset, { split: "official", subset: 1, seed: 0, log });
    assert.deepEqual([train.length, val.length], [2, 0]);
    assert.deepEqual(warningsOf(log), [
      "left out 2 images that the labels do not name: 2.jpg, 3.jpg",
      "the data has no validation part: training goes on without one; --split random draws one",
    ]);
  });

  test("may not name an image in two of them", async (context) => {
    const { open } = await made(context, { "train.csv": [header, row("0.jpg")], "val.csv": [header, row("./0.jpg")] });
    assert.match(await complaintOf(open()), /val.csv, line 2: image "0.jpg" already stands in .*train.csv, line 2/);
  });

  test("are read by any schema, numbers among its labels", async (context) => {
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
      await complaintOf(open({ schema, columns: { race: "feeling" } })),
      /"race" is no label of this data set; there are mood, weight, file, split/,
    );
  });
});
