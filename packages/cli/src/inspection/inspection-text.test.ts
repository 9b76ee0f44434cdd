import assert from "node:assert/strict";
import { test } from "node:test";
import { drawSplit, type LabelSchema, labelTable, splitDataset, syntheticDataset } from "@lockstep/dataset";
import { countLabels, findDuplicates } from "@lockstep/dataset-tools";
import { type Inspection, inspectionText } from "./inspection-text.js";

function linesOf(changes: Partial<Inspection>): string[] {
  const dataset = syntheticDataset({ numSamples: 3000 });
  const inspection: Inspection = {
    ...{ data: "/data/faces", kind: "fairface", fingerprint: dataset.fingerprint, split: "official" },
    counts: countLabels(dataset.labels, splitDataset(dataset, { split: "official", subset: 1, seed: 0 })),
    duplicates: findDuplicates(dataset),
    ...{ files: null, skipped: [], unlabelled: [], contactSheet: null },
    ...changes,
  };
  const lines = inspectionText(inspection).split("\n");
  for (const line of lines) assert.ok(line.length <= 80, `${line.length}: ${line}`);
  return lines;
}

test("FairFace's joint table fits into 80 columns, with age bins in the columns", () => {
  const lines = linesOf({});
  assert.ok(
    lines.includes("                          0-2 3-9 10-19 20-29 30-39 40-49 50-59 60-69 more…"),
    lines.join("\n"),
  );
  const cells = lines.filter((line) => /^ {2}(Male|Female), /.test(line));
  assert.equal(cells.length, 14);
  const total = cells.flatMap((line) => line.match(/\d+/g) ?? []).reduce((sum, count) => sum + Number(count), 0);
  assert.equal(total, 3000);
});

test("a joint table that is too wide is replaced by its fullest and emptiest cells", () => {
  const names = (count: number, what: string) => Array.from({ length: count }, (_, k) => `${what} number ${k}`);
  const schema: LabelSchema = {
    name: "made",
    fields: [
      { kind: "class", name: "kind", column: "kind", classes: names(30, "a kind with a long name") },
      { kind: "class", name: "place", column: "place", classes: names(5, "a place far away") },
      { kind: "number", name: "weight", column: "weight" },
    ],
  };
  const rows = Array.from({ length: 400 }, (_, i) => ({ kind: i % 30, place: Math.floor(i / 7) % 5, weight: i / 8 }));
  const labels = labelTable(schema, rows);
  const input = { labels, origin: new Uint8Array(400), contentSha256: String };
  const split = drawSplit(input, { split: "official", subset: 1, seed: 0 });
  const lines = linesOf({ counts: countLabels(labels, split) });
  assert.ok(lines.some((line) => /^ {2}the most frequent and the rarest; \d+ between them are in --json/.test(line)));
  assert.ok(lines.some((line) => line.includes("weight: 0 to 49.875, median 24.875")));
});

test("duplicates across parts come first, with the labels that differ", () => {
  const image = (name: string, part: "train" | "val", gender: string) => ({ name, part, labels: { gender } });
  const pair = (number: number) => ({
    contentSha256: "",
    images: [image(`train/${number}.jpg`, "train", "Male"), image(`train/${number + 100}.jpg`, "train", "Male")],
    acrossParts: false,
    conflicting: [],
  });
  const leak = {
    contentSha256: "",
    images: [image("train/1.jpg", "train", "Male"), image("val/9.jpg", "val", "Female")],
    acrossParts: true,
    conflicting: ["gender"],
  };
  const lines = linesOf({ duplicates: [...Array.from({ length: 24 }, (_, i) => pair(i)), leak] });
  const first = lines.findIndex((line) => line.startsWith("50 images share their bytes"));
  assert.deepEqual(lines.slice(first, first + 3), [
    "50 images share their bytes with another: 25 groups",
    "  1 of them across parts, 1 labelled differently",
    "  train/1.jpg = val/9.jpg  across parts  gender: Male, Female",
  ]);
  assert.ok(lines.includes("  and 5 more; all are in --json"));
});

test("images that are not counted are listed with the reason", () => {
  const skipped = [{ name: "a.jpg", namedAt: "labels.csv, line 2", problem: "is missing in /data" }];
  const lines = linesOf({ skipped, unlabelled: ["b.jpg"] });
  assert.ok(lines.includes('  labels.csv, line 2: image "a.jpg" is missing in /data'));
  assert.ok(lines.includes("  b.jpg"));
});
