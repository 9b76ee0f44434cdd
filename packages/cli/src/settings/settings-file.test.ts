import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "@lockstep/errors";
import { select } from "./all-settings.js";
import { parseSettings } from "./command-settings.js";
import { settingsIn, settingsJson } from "./settings-file.js";

function values(text: string): Record<string, unknown> {
  const read = Object.fromEntries([...settingsIn(text, "run.yaml")].map(([name, { value }]) => [name, value]));
  const settings = select("imageSize", "lr", "dropout", "widths", "taskWeights", "augmentation", "resume", "columns");
  const used = Object.entries({ ...settings, ...select("recipeOptions", "maxSteps", "cacheDir") });
  return parseSettings(read, Object.fromEntries(used.filter(([name]) => name in read)));
}

test("a typed value and the flag's text give the same setting", () => {
  const expected = { imageSize: 32, lr: 0.0001, widths: [8, 16], taskWeights: { gender: 1, race: 0.5 } };
  assert.deepEqual(
    values("image-size: 32\nlr: 1e-4\nwidths: [8, 16]\ntask-weights: { gender: 1, race: 0.5 }\n"),
    expected,
  );
  assert.deepEqual(values("image-size: '32'\nlr: '0.0001'\nwidths: 8,16\ntask-weights: gender=1,race=0.5\n"), expected);
  assert.deepEqual(values("augmentation: false\nresume: true\n"), { augmentation: false, resume: true });
});

test("anchors, comments and an empty file are accepted", () => {
  assert.deepEqual(values("lr: &rate 0.5\ndropout: *rate # the same\n"), { lr: 0.5, dropout: 0.5 });
  assert.deepEqual(values(""), {});
  assert.deepEqual(values("# nothing yet\n"), {});
});

test("options of a user's recipe may be any value", () => {
  const text = `recipe-options:
  units: 64
  flip: true
  kind: "deep, wide]"
  sizes: [8, 16]
  loss: { age: 2, by: [[1, 2], [3, 4]] }
  head.rate: 0.5
  former: null
`;
  assert.deepEqual(values(text)["recipeOptions"], {
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
  assert.deepEqual(values("recipe-options: units=64\n"), { recipeOptions: { units: 64 } });
});

test("a value may contain a comma, even if the flag's text cannot", () => {
  assert.deepEqual(values("columns: { race: 'a,b' }"), { columns: { race: "a,b" } });
});

test("settings that a launcher writes as JSON are read unchanged", () => {
  const given = { imageSize: 32, columns: { race: "a=b,c" }, recipeOptions: { a: [1] }, augmentation: false };
  assert.deepEqual(values(settingsJson({ ...given, maxSteps: undefined, cacheDir: "2024" })), {
    ...given,
    cacheDir: "2024",
  });
});

test("each value has its line", () => {
  assert.equal(settingsIn("# first\nseed: 3\n", "run.yaml").get("seed")?.place, "run.yaml:2");
});

test("an unknown key and a wrong type are refused with file, line, key and a remedy", () => {
  const cases: [string, string][] = [
    ["imagesize: 3", "run.yaml:1: imagesize: no such setting; did you mean image-size?"],
    ["image_size: 3", "run.yaml:1: image_size: no such setting; did you mean image-size?"],
    ["no-augmentation: true", "run.yaml:1: no-augmentation: no such setting; did you mean augmentation?"],
    ["colour: red", "run.yaml:1: colour: no such setting; `lockstep config schema` lists all settings"],
    ["prepared: true", "run.yaml:1: prepared: no such setting; `lockstep config schema` lists all settings"],
    ["config: more.yaml", "run.yaml:1: config: no such setting; `lockstep config schema` lists all settings"],
    ["lr: 1\nseed: true", "run.yaml:2: seed: true: must be a whole number from 0 to 4294967295"],
    ["seed: [1]", "run.yaml:1: seed: [1]: must be a whole number from 0 to 4294967295"],
    ["widths: { a: 1 }", "run.yaml:1: widths: { a: 1 }: must be a list"],
    [
      "widths: [8, [9]]",
      "run.yaml:1: widths: [8, [9]]: each item of the list must be a whole number from 1 to 1000000",
    ],
    [
      "task-weights: { faces: 1 }",
      "run.yaml:1: task-weights: { faces: 1 }: must be like gender=1,race=1,age=0.5 with numbers of at least 0",
    ],
    [
      "recipe-options: { 'a=1,b': 2 }",
      "run.yaml:1: recipe-options: { 'a=1,b': 2 }: must be like units=64,sizes=[8,16]: JSON values by name",
    ],
    [
      "recipe-options: { rate: .inf }",
      "run.yaml:1: recipe-options: { rate: .inf }: must be like units=64,sizes=[8,16]: JSON values by name",
    ],
    ["recipe-options: [1]", "run.yaml:1: recipe-options: [1]: must be like units=64,sizes=[8,16]: JSON values by name"],
    ["data: 2024", 'run.yaml:1: data: 2024: must be text (write "2024")'],
    ["resume: yes", "run.yaml:1: resume: yes: must be true, false or auto"],
    ["epochs:", "run.yaml:1: epochs: has no value; remove the line to use the default"],
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

test("text that is not YAML is refused with its line", () => {
  assert.throws(() => settingsIn("seed: 1\nwidths: [8\n", "run.yaml"), /^UserError: run\.yaml:\d+: .*\]/);
});
