// Tests that the results do not depend on the form of the data: fingerprint, split and pixels are equal in every form.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type EncodedDataset, openDataset, openImageCache, splitDataset } from "@lockstep/dataset";
import {
  namedImages,
  recordingLog,
  temporaryFolder,
  warningsOf,
  writeHubParquet,
  writeMadeFolder,
  writeTable,
} from "@lockstep/dataset/testing";
import { convertDataset } from "./convert/convert-dataset.js";
import { writtenForms } from "./convert/form-writer.js";

type Columns = Readonly<Record<string, string>>;

/** Opens, splits and decodes a data set as a run does, with a separate cache folder. */
async function openAsRun(root: string, name: string, data: string, columns: Columns = {}) {
  const common = { cacheDir: join(root, `cache-${name}`), log: recordingLog() };
  const dataset = (await openDataset({ data, columns, ...common })) as EncodedDataset;
  const split = splitDataset(dataset, { split: "random", subset: 0.8, seed: 3 });
  const { train, val } = splitDataset(dataset, { split: "official", subset: 1, seed: 3 });
  const cache = await openImageCache({ dataset, imageSize: 24, ...common });
  await cache.close();
  // A folder may link to more images than its rows name; the warning about them is expected.
  const warnings = warningsOf(common.log).filter((warning) => !warning.includes("that the labels do not name"));
  assert.deepEqual(warnings, [], name);
  const { fingerprint, labels } = dataset;
  return {
    dataset,
    facts: { fingerprint, labels: labels.columns, split, train, val, pixelsSha256: cache.pixelsSha256 },
  };
}

/** Writes the data of a folder in every form, with our own writers and as other programs write it. */
async function everyForm(context: TestContext, fill: (folder: string) => Promise<void>) {
  const root = await temporaryFolder(context);
  const folder = join(root, "fairface");
  await mkdir(folder);
  await fill(folder);
  const reference = await openAsRun(root, "reference", folder);
  const images = await namedImages(reference.dataset);
  const forms: [name: string, data: string, columns?: Columns][] = [];
  for (const to of writtenForms) {
    const out = join(root, `converted-${to}`);
    await convertDataset(reference.dataset, {
      out,
      to,
      shardImages: 7,
      cacheDir: join(root, "cache"),
      log: recordingLog(),
    });
    forms.push([to, out]);
  }

  const csv = join(root, "csv");
  await mkdir(csv);
  const rows = await Promise.all(
    images.map(async ({ name, bytes, gender, race, age, origin }, index) => {
      await writeFile(join(csv, `${index}.jpg`), bytes);
      return {
        origin,
        name,
        text: `${age},x${index},${index}.jpg,${gender},${race},${origin === 0 ? "Train" : "dev"}`,
      };
    }),
  );
  const header = "years,id,path,sex,ethnicity,fold";
  await writeFile(join(csv, "labels.csv"), [header, ...rows.map(({ text }) => text).reverse()].join("\r\n"));
  const renamed = { race: "ethnicity", gender: "sex", age: "years", file: "path" };
  forms.push(["csv with other columns", csv, { ...renamed, split: "fold" }]);
  const byPart = join(root, "csv-by-part");
  await cp(csv, byPart, { recursive: true });
  await rename(join(byPart, "labels.csv"), join(byPart, "notes.csv"));
  for (const [part, origin] of [
    ["train", 0],
    ["validation", 1],
  ] as const) {
    const texts = rows.filter((row) => row.origin === origin).map(({ text }) => text);
    await writeFile(join(byPart, `${part}.csv`), [header, ...texts].join("\n"));
  }
  forms.push(["csv by part", byPart, renamed]);

  const hub = join(root, "hub");
  const [train, val] = [0, 1].map((origin) => images.filter((image) => image.origin === origin));
  const half = Math.floor((train?.length ?? 0) / 2);
  for (const [name, part] of [
    ["train-00000-of-00002", train?.slice(0, half)],
    ["train-00001-of-00002", train?.slice(half)],
    ["validation-00000-of-00001", val],
  ] as const) {
    await writeHubParquet({ path: join(hub, "1.25", `${name}.parquet`), images: part ?? [] });
  }
  forms.push(["parquet as on the hub", hub]);

  const table = join(root, "mixed.parquet");
  await writeTable(table, [
    { name: "jpeg", data: images.map(({ bytes }) => bytes), type: "BYTE_ARRAY" },
    { name: "ethnicity", data: images.map(({ race }) => race), type: "STRING" },
    { name: "gender", data: images.map(({ gender }) => gender), type: "STRING" },
    { name: "age", data: images.map(({ age }) => age), type: "STRING" },
    { name: "split", data: images.map(({ origin }) => (origin === 0 ? "train" : "val")), type: "STRING" },
  ]);
  forms.push(["parquet of strings", table, { race: "ethnicity" }]);
  return { root, reference, forms };
}

async function assertEqual({ root, reference, forms }: Awaited<ReturnType<typeof everyForm>>): Promise<void> {
  for (const [name, data, columns] of forms) {
    assert.deepEqual((await openAsRun(root, name, data, columns)).facts, reference.facts, name);
  }
  assert.equal(forms.length, writtenForms.length + 4);
}

describe("the same images in every form", () => {
  test("have the same fingerprint, labels, split and pixels", async (context) => {
    await assertEqual(await everyForm(context, (folder) => writeMadeFolder(folder, { numTrain: 24, numVal: 9 })));
  });

  test("are read once: the second start does not read the shards or write the packs again", async (context) => {
    const { root, forms } = await everyForm(context, (folder) => writeMadeFolder(folder, { numTrain: 9, numVal: 4 }));
    for (const [name, data, columns = {}] of forms.filter(([name]) => /parquet|webdataset/.test(name))) {
      const log = recordingLog();
      const open = () => openDataset({ data, columns, cacheDir: join(root, "once", name), log });
      const first = await open();
      const indexed = (): number => log.lines.filter(({ message }) => message === "indexed a shard by content").length;
      const after = indexed();
      assert.ok(after > 0, name);
      assert.equal((await open()).fingerprint, first.fingerprint);
      assert.equal(indexed(), after, name);
    }
  });
});

const fairface =
  process.env["LOCKSTEP_FAIRFACE"] ??
  resolve(fileURLToPath(new URL("../../../", import.meta.url)), "../shared/fairface");
const skip = existsSync(join(fairface, "fairface_label_train.csv"))
  ? false
  : `no FairFace images at ${fairface}: set LOCKSTEP_FAIRFACE to a folder with fairface_label_train.csv`;

test("200 real FairFace images are the same in every form", { skip }, async (context) => {
  const made = await everyForm(context, async (folder) => {
    for (const [part, count] of [
      ["train", 150],
      ["val", 50],
    ] as const) {
      const name = `fairface_label_${part}.csv`;
      const rows = (await readFile(join(fairface, name), "utf8")).split("\n").slice(0, count + 1);
      await writeFile(join(folder, name), rows.join("\n"));
      await symlink(join(fairface, part), join(folder, part));
    }
  });
  assert.equal(made.reference.dataset.labels.numSamples, 200);
  await assertEqual(made);
  const folders = await readdir(made.root);
  assert.deepEqual(
    folders.filter((name) => name.startsWith(".tmp-")),
    [],
  );
});
