import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { dataOptions } from "@lockstep/dataset";
import { defaultShardImages, writtenForms as formsOfTools } from "@lockstep/dataset-tools";
import { UserError } from "@lockstep/errors";
import { fairfaceRecipe } from "@lockstep/recipe";
import { Command } from "commander";
import { select } from "./all-settings.js";
import { addSettings, parseGiven, parseSettings } from "./command-settings.js";
import { dataSettings } from "./declared/data.js";
import { networkSettings } from "./declared/network.js";
import { builtInSettings } from "./declared/recipe.js";
import { toolSettings, writtenForms } from "./declared/tools.js";
import { defaultOf, flagOf, required, type Settings } from "./setting.js";

function rawOf(settings: Settings, args: readonly string[]): Record<string, unknown> {
  const command = addSettings(new Command("test"), settings);
  command.parse(args, { from: "user" });
  return command.opts();
}

function parse<Group extends Settings>(settings: Group, ...args: string[]) {
  return parseSettings(rawOf(settings, args), settings);
}

function complaint(settings: Settings, ...args: string[]): string {
  try {
    parse(settings, ...args);
  } catch (error) {
    assert.ok(error instanceof UserError);
    return error.message;
  }
  return assert.fail("it was accepted");
}

test("a setting that is not given has its default, and none where a command asks for what was given", () => {
  const settings = select("workers", "backend", "resume", "maxSteps", "lr", "sampling", "augmentation");
  assert.deepEqual(parse(settings), {
    workers: 2,
    backend: "auto",
    resume: false,
    maxSteps: undefined,
    lr: 1e-4,
    sampling: { kind: "uniform" },
    augmentation: true,
  });
  assert.deepEqual(parseGiven(rawOf(settings, []), settings), {});
  assert.deepEqual(parseGiven(rawOf(settings, ["--lr", "1", "--no-augmentation"]), settings), {
    lr: 1,
    augmentation: false,
  });
});

test("values are parsed to their types", () => {
  const settings = select("lr", "seed", "widths", "taskWeights", "augmentation", "resume", "subset");
  const args = "--lr 1e-4 --seed 4294967295 --widths 8,16 --task-weights race=2,age=.5 --no-augmentation --resume";
  assert.deepEqual(parse(settings, ...args.split(" "), "--subset=0.03"), {
    lr: 1e-4,
    seed: 4294967295,
    widths: [8, 16],
    taskWeights: { race: 2, age: 0.5 },
    augmentation: false,
    resume: true,
    subset: 0.03,
  });
});

test("--resume stands alone or has auto behind it, and nothing else", () => {
  assert.deepEqual(parse(select("resume", "seed"), "--resume", "--seed", "1"), { resume: true, seed: 1 });
  assert.deepEqual(parse(select("resume"), "--resume", "auto"), { resume: "auto" });
  assert.equal(complaint(select("resume"), "--resume", "always"), "--resume always: must be true, false or auto");
});

test("a recipe's options are JSON values by name, or text; a dot goes into a group", () => {
  const optionsOf = (text: string) => parse(select("recipeOptions"), "--recipe-options", text).recipeOptions;
  assert.deepEqual(optionsOf("units=64,sizes=[8,16],kind=deep,loss.age=2,loss.race=0.5"), {
    units: 64,
    sizes: [8, 16],
    kind: "deep",
    loss: { age: 2, race: 0.5 },
  });
  assert.deepEqual(optionsOf('a=[[1,2],[3,4]],b={"c":[1,{"d":2}]},e="x,y]",f=1'), {
    a: [
      [1, 2],
      [3, 4],
    ],
    b: { c: [1, { d: 2 }] },
    e: "x,y]",
    f: 1,
  });
  assert.equal(
    complaint(select("recipeOptions"), "--recipe-options", "units"),
    "--recipe-options units: must be like units=64,sizes=[8,16]: JSON values by name",
  );
});

test("a bad value is refused with the flag, the value and its limits", () => {
  const settings = select("seed", "subset", "lr", "dropout", "backend", "widths", "taskWeights", "out");
  const cases: [keyof typeof settings, string, string][] = [
    ["seed", "-1", "--seed -1: must be a whole number from 0 to 4294967295"],
    ["seed", "1.5", "--seed 1.5: must be a whole number from 0 to 4294967295"],
    ["subset", "0", "--subset 0: must be a number above 0 and at most 1"],
    ["lr", "fast", "--lr fast: must be a number above 0"],
    ["lr", "Infinity", "--lr Infinity: must be a number above 0"],
    ["dropout", "1", "--dropout 1: must be a number of at least 0 and below 1"],
    ["backend", "gpu", "--backend gpu: must be one of auto, torch, tensorflow, cpu"],
    ["widths", "8,0", "--widths 8,0: each item of the list must be a whole number from 1 to 1000000"],
    [
      "taskWeights",
      "faces=1",
      "--task-weights faces=1: must be like gender=1,race=1,age=0.5 with numbers of at least 0",
    ],
    ["out", "", "--out : must not be empty"],
  ];
  for (const [name, value, line] of cases) {
    assert.equal(complaint(select(name), `${flagOf(name, settings[name])}=${value}`), line);
  }
});

test("a flag that is needed and not given is named", () => {
  assert.equal(
    complaint({ coordinator: required(networkSettings.coordinator) }),
    "--coordinator: is needed (--coordinator <address>: the coordinator's address: host:port or unix:/path.sock)",
  );
});

test("--sampling is uniform, balanced, balanced by labels, or a CSV file", () => {
  for (const [text, sampling] of [
    ["uniform", { kind: "uniform" }],
    ["balanced", { kind: "balanced", by: null }],
    ["balanced:race+gender", { kind: "balanced", by: ["race", "gender"] }],
    ["a/w.csv", { kind: "file", path: "a/w.csv" }],
  ] as const) {
    assert.deepEqual(parse(select("sampling"), "--sampling", text), { sampling });
  }
  for (const text of ["", "balance", "balanced:", "balanced:race+", "weights.txt"]) {
    assert.match(complaint(select("sampling"), `--sampling=${text}`), /must be uniform, balanced, balanced:LABEL/);
  }
});

test("what other packages know, too, is the same there: forms, defaults of the data and of the recipe", () => {
  assert.deepEqual(writtenForms, formsOfTools);
  assert.equal(defaultOf(toolSettings.shardImages), defaultShardImages);
  const { data: _, ...options } = dataOptions.parse({ data: "" });
  const { data: __, ...ours } = parse(dataSettings);
  assert.deepEqual(ours, options);
  const { augmentation, ...recipeOptions } = fairfaceRecipe.resolveOptions({});
  const { augmentation: isOn, ...recipeOurs } = parse(builtInSettings);
  assert.deepEqual(recipeOurs, recipeOptions);
  assert.equal(isOn, augmentation !== null);
});

test("`lockstep health` loads no data set and no recipe code, as it runs every few seconds", async () => {
  const refuse = `export function resolve(specifier, context, next) {
    if (/^@lockstep.(dataset|recipe)/.test(specifier)) throw new Error("loads " + specifier);
    return next(specifier, context);
  }`;
  const program = new URL("../program.js", import.meta.url).href;
  const script = `import { register } from "node:module";
    register("data:text/javascript," + ${JSON.stringify(encodeURIComponent(refuse))});
    await (await import(${JSON.stringify(program)})).createProgram(["health"]);`;
  await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
});
