import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "@lockstep/errors";
import { recipeOptions } from "../flag-values.js";
import { settingsIn } from "./settings-file.js";

function values(text: string): Record<string, string | boolean> {
  return Object.fromEntries([...settingsIn(text, "run.yaml")].map(([key, { value }]) => [key, value]));
}

test("typed values and the flags' own text are the same", () => {
  const expected = { "image-size": "32", lr: "0.0001", widths: "8,16", "task-weights": "gender=1,race=0.5" };
  assert.deepEqual(
    values("image-size: 32\nlr: 1e-4\nwidths: [8, 16]\ntask-weights: { gender: 1, race: 0.5 }\n"),
    expected,
  );
  assert.deepEqual(values("image-size: '32'\nlr: '0.0001'\nwidths: 8,16\ntask-weights: gender=1,race=0.5\n"), expected);
  assert.deepEqual(values("augmentation: false\nresume: true\n"), { augmentation: false, resume: true });
});

test("anchors, comments and an empty file are YAML as any other", () => {
  assert.deepEqual(values("lr: &rate 0.5\ndropout: *rate # the same\n"), { lr: "0.5", dropout: "0.5" });
  assert.deepEqual(values(""), {});
  assert.deepEqual(values("# nothing yet\n"), {});
});

test("options of a recipe of one's own may be any value", () => {
  const text = `recipe-options:
  units: 64
  flip: true
  kind: "deep, wide]"
  sizes: [8, 16]
  loss: { age: 2, by: [[1, 2], [3, 4]] }
  head.rate: 0.5
  former: null
`;
  const said = values(text)["recipe-options"];
  assert.deepEqual(recipeOptions.parse(said), {
    ...{ units: 64, flip: true, kind: "deep, wide]", sizes: [8, 16], former: null },
    ...{
      loss: {
        age: 2,
        by: [
          [1, 2],
          [3, 4],
        ],
      },
      head: { rate: 0.5 },
    },
  });
  assert.deepEqual(values("recipe-options: units=64\n"), { "recipe-options": "units=64" });
});

test("each value knows its line", () => {
  assert.equal(settingsIn("# first\nseed: 3\n", "run.yaml").get("seed")?.place, "run.yaml:2");
});

test("what is no setting, or of another type, is refused with file, line, key and a way out", () => {
  const cases: [string, string][] = [
    ["imagesize: 3", "run.yaml:1: imagesize: no such setting; did you mean image-size?"],
    ["image_size: 3", "run.yaml:1: image_size: no such setting; did you mean image-size?"],
    ["no-augmentation: true", "run.yaml:1: no-augmentation: no such setting; did you mean augmentation?"],
    ["colour: red", "run.yaml:1: colour: no such setting; `lockstep config schema` lists all"],
    ["prepared: true", "run.yaml:1: prepared: no such setting; `lockstep config schema` lists all"],
    ["config: more.yaml", "run.yaml:1: config: no such setting; `lockstep config schema` lists all"],
    ["lr: 1\nseed: true", "run.yaml:2: seed: must be a whole number, is true"],
    ["seed: [1]", "run.yaml:1: seed: must be a whole number, is a list"],
    ["widths: { a: 1 }", "run.yaml:1: widths: must be a list, is pairs"],
    ["widths: [8, [9]]", "run.yaml:1: widths: each of the list: must be a whole number, is a list"],
    ["columns: { race: 'a,b' }", "run.yaml:1: columns.race: must not have a comma, is a,b"],
    ["task-weights: { faces: 1 }", "run.yaml:1: task-weights.faces: must be one of gender, race, age"],
    ["recipe-options: { 'a=1,b': 2 }", "run.yaml:1: recipe-options.a=1,b: must be a name of letters and digits"],
    ["recipe-options: { rate: .inf }", "run.yaml:1: recipe-options.rate: must be a finite number, is Infinity"],
    ["recipe-options: [1]", "run.yaml:1: recipe-options: must be pairs, is a list"],
    ["data: 2024", 'run.yaml:1: data: must be text, is 2024 (write "2024")'],
    ["resume: yes", "run.yaml:1: resume: must be true, false or auto, is yes"],
    ["epochs:", "run.yaml:1: epochs: has no value; leave the line away for the default"],
    ["epochs: 1\nepochs: 2", "run.yaml:2: Map keys must be unique"],
    ["- epochs", "run.yaml: must be a list of settings, each `key: value` (image-size: 64)"],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => settingsIn(text, "run.yaml"),
      (error: Error) => error instanceof UserError && error.message === message,
      message,
    );
  }
});

test("text that is no YAML is refused with its line", () => {
  assert.throws(() => settingsIn("seed: 1\nwidths: [8\n", "run.yaml"), /^UserError: run\.yaml:\d+: .*\]/);
});
