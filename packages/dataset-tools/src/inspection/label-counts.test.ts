import assert from "node:assert/strict";
import { test } from "node:test";
import { labelTable } from "@lockstep/dataset";
import { countLabels } from "./label-counts.js";

const labels = labelTable(
  {
    name: "animals",
    fields: [
      { kind: "class", name: "kind", column: "kind", classes: ["cat", "dog", "bird"] },
      { kind: "number", name: "weight", column: "weight" },
      { kind: "class", name: "wild", column: "wild", classes: ["no", "yes"] },
    ],
  },
  [
    { kind: 0, weight: 4, wild: 0 },
    { kind: 0, weight: 5, wild: 0 },
    { kind: 1, weight: 20, wild: 1 },
    { kind: 2, weight: 0.5, wild: 1 },
    { kind: 2, weight: 0.25, wild: 0 },
  ],
);
// Sample 4 is in no part.
const split = { train: Uint32Array.of(0, 2), val: Uint32Array.of(1), test: Uint32Array.of(3) };
const counts = countLabels(labels, { ...split, duplicatesRemoved: 1, leaked: 0 });

test("images are counted by part, and those in no part are counted as left out", () => {
  assert.deepEqual(counts.images, { train: 2, val: 1, test: 1, all: 4 });
  assert.equal(counts.leftOut, 1);
});

test("classes are counted by part, and numbers have their least, median and greatest value", () => {
  const [kind, weight] = counts.fields;
  assert.ok(kind?.kind === "class");
  assert.deepEqual(kind.classes, [
    { name: "cat", images: { train: 1, val: 1, test: 0, all: 2 } },
    { name: "dog", images: { train: 1, val: 0, test: 0, all: 1 } },
    { name: "bird", images: { train: 0, val: 0, test: 1, all: 1 } },
  ]);
  assert.deepEqual(weight, { kind: "number", name: "weight", least: 0.5, median: 4, greatest: 20 });
});

test("the joint table holds the cells with images, in the order of the classes", () => {
  assert.deepEqual(counts.joint.fields, ["kind", "wild"]);
  assert.equal(counts.joint.numCells, 6);
  assert.deepEqual(
    counts.joint.cells.map(({ classes, images }) => [...classes, images.all]),
    [
      ["cat", "no", 2],
      ["dog", "yes", 1],
      ["bird", "yes", 1],
    ],
  );
});
