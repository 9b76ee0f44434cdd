import assert from "node:assert/strict";
import { test } from "node:test";
import { ageMidpoints, fairfaceClasses, fairfaceLabels, labelTable } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { type EvaluatedHead, fairfaceRecipe } from "@lockstep/recipe";
import { checkHeads, headResult } from "./head-result.js";
import { predictionsCsv } from "./predictions-csv.js";

const classes = ["cat", "dog, small", "bird"];
const labels = labelTable(
  {
    name: "animals",
    fields: [
      { kind: "class", name: "kind", column: "kind", classes },
      { kind: "class", name: "wild", column: "wild", classes: ["no", "yes"] },
      { kind: "number", name: "weight", column: "weight" },
    ],
  },
  [
    { kind: 0, wild: 0, weight: 4 },
    { kind: 1, wild: 1, weight: 9.5 },
    { kind: 2, wild: 1, weight: 0.5 },
  ],
);
const samples = Uint32Array.of(2, 0); // bird, cat

function resultOf(head: EvaluatedHead, width: number, values: readonly number[]) {
  checkHeads({ name: "animals", heads: [head] }, labels.schema);
  return headResult(head, { labels, samples, predictions: { width, values: Float32Array.from(values) } });
}

test("the class with the greatest logit is predicted, or the first of several such classes, and probabilities are the softmax", () => {
  const head = resultOf({ kind: "classes", name: "kind", label: "kind" }, 3, [0, 0, Math.log(2), 5, 5, 5]);
  assert.ok(head.kind === "classes");
  assert.deepEqual([...head.actual], [2, 0]);
  assert.deepEqual([...head.predicted], [2, 0]);
  const expected = [1 / 4, 1 / 4, 1 / 2, 1 / 3, 1 / 3, 1 / 3];
  head.probabilities_SK.forEach((value, i) => {
    assert.ok(Math.abs(value - (expected[i] ?? 0)) < 1e-7);
  });
});

test("a single logit for two classes is that of the second class, and at 0 the first class is predicted", () => {
  const head = resultOf({ kind: "classes", name: "wild", label: "wild" }, 1, [Math.log(3), 0]);
  assert.ok(head.kind === "classes");
  assert.deepEqual([...head.predicted], [1, 0]);
  assert.ok(Math.abs((head.probabilities_SK[1] ?? 0) - 3 / 4) < 1e-7);
});

test("a number head is compared with a number label, or with the numbers and edges given for the classes of a label", () => {
  const plain = resultOf({ kind: "number", name: "kg", label: "weight", unit: "kg" }, 1, [1, 3]);
  assert.ok(plain.kind === "number" && plain.bins === null);
  assert.deepEqual([...plain.actual], [0.5, 4]);
  const edged = resultOf(
    { kind: "number", name: "legs", label: "kind", unit: "legs", classValues: [4, 3, 2], classEdges: [1, 3] },
    1,
    [0, 3],
  );
  assert.ok(edged.kind === "number" && edged.bins !== null);
  assert.deepEqual([...edged.actual], [2, 4]);
  assert.deepEqual([...edged.bins.predicted], [0, 2]);
});

test("a head that does not fit its label is refused by name", () => {
  const refused = (head: EvaluatedHead, pattern: RegExp): void => {
    assert.throws(
      () => checkHeads({ name: "animals", heads: [head] }, labels.schema),
      (error) => error instanceof UserError && pattern.test(error.message),
    );
  };
  refused({ kind: "classes", name: "x", label: "colour" }, /head "x" names the label "colour".* kind, wild, weight/);
  refused({ kind: "classes", name: "x", label: "weight" }, /label "weight" is a number/);
  refused({ kind: "number", name: "x", label: "kind", unit: "" }, /needs classValues.* 3 classes/);
  const edges = { kind: "number", name: "x", label: "kind", unit: "", classValues: [1, 2, 3] } as const;
  refused({ ...edges, classEdges: [2, 1] }, /needs 2 ascending classEdges/);
  refused({ kind: "number", name: "x", label: "weight", unit: "", classEdges: [1] }, /label "weight" has no classes/);
});

test("a head is refused if its width is not the number of classes of its label", () => {
  assert.throws(
    () => resultOf({ kind: "classes", name: "kind", label: "kind" }, 2, [0, 0, 0, 0]),
    /head "kind" predicts 2 values per sample, but its label has 3 classes/,
  );
  assert.throws(
    () => resultOf({ kind: "number", name: "kg", label: "weight", unit: "kg" }, 2, [0, 0, 0, 0]),
    /predicts 2 values per sample; a number head must predict one/,
  );
});

test("the CSV of predictions has one row for each image and quotes names with commas", () => {
  const heads = [
    resultOf({ kind: "classes", name: "kind", label: "kind" }, 3, [0, 9, 0, 9, 0, 0]),
    resultOf({ kind: "number", name: "kg", label: "weight", unit: "kg" }, 1, [1, 3.5]),
  ];
  const [header, first, second] = predictionsCsv({ imageNames: ["a.jpg", "b.jpg"], part: "val", heads }).split("\r\n");
  assert.equal(
    header,
    'image,part,kind,kind_predicted,kind_correct,kind_p_cat,"kind_p_dog, small",kind_p_bird,kg,kg_predicted,kg_error',
  );
  assert.equal(first, 'a.jpg,val,bird,"dog, small",0,0.000123,0.999753,0.000123,0.5,1.0000,0.5000');
  assert.equal(second, "b.jpg,val,cat,cat,1,0.999753,0.000123,0.000123,4,3.5000,-0.5000");
});

test("FairFace's age bins begin at whole years, and each midpoint falls into its own bin", () => {
  const schema = fairfaceLabels;
  const samples = ageMidpoints.map((_, ageBin) => ({ gender: 0, race: 0, ageBin }));
  const recipe = fairfaceRecipe.bind({
    options: fairfaceRecipe.resolveOptions({}),
    imageSize: 64,
    labels: labelTable(schema, samples),
    trainingSamples: Uint32Array.of(0),
  });
  checkHeads(recipe, schema);
  const age = recipe.heads.find(({ name }) => name === "age") ?? assert.fail("no head for age");
  const binsOf = (years: readonly number[]): string[] => {
    const table = labelTable(
      schema,
      years.map(() => ({ gender: 0, race: 0, ageBin: 0 })),
    );
    const predictions = { width: 1, values: Float32Array.from(years) };
    const head = headResult(age, { labels: table, samples: Uint32Array.from(years.keys()), predictions });
    assert.ok(head.kind === "number" && head.bins !== null);
    return Array.from(head.bins.predicted, (bin) => fairfaceClasses.ageBin[bin] ?? "");
  };
  assert.deepEqual(binsOf(ageMidpoints), fairfaceClasses.ageBin);
  assert.deepEqual(binsOf([-4, 2.9, 3, 9.75, 10, 69.9, 70, 130]), [
    ...["0-2", "0-2", "3-9", "3-9", "10-19", "60-69", "more than 70", "more than 70"],
  ]);
});
