import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { writtenForms as formsOfTools } from "@lockstep/dataset-tools";
import { UserError } from "@lockstep/errors";
import { Command } from "commander";
import { addFlags, type FlagName, flags, parseOptions, writtenForms } from "./flags.js";

function parse<Name extends FlagName>(names: readonly Name[], ...args: string[]) {
  const command = addFlags(new Command("test"), names);
  command.parse(args, { from: "user" });
  return parseOptions(command.opts(), names);
}

function complaint(names: readonly FlagName[], ...args: string[]): string {
  try {
    parse(names, ...args);
  } catch (error) {
    assert.ok(error instanceof UserError);
    return error.message;
  }
  return assert.fail("it was accepted");
}

test("launch flags have their defaults, spec flags are left open", () => {
  assert.deepEqual(parse(["workers", "threads", "backend", "resume", "maxRestarts", "lr", "seed", "augmentation"]), {
    workers: 2,
    threads: 1,
    backend: "auto",
    resume: false,
    maxRestarts: 10,
    lr: undefined,
    seed: undefined,
    augmentation: undefined,
  });
});

test("values are parsed to their types", () => {
  const names = ["lr", "seed", "widths", "taskWeights", "augmentation", "resume", "subset"] as const;
  const args = "--lr 1e-4 --seed 4294967295 --widths 8,16 --task-weights race=2,age=.5 --no-augmentation --resume";
  assert.deepEqual(parse(names, ...args.split(" "), "--subset=0.03"), {
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
  assert.deepEqual(parse(["resume", "seed"], "--resume", "--seed", "1"), { resume: true, seed: 1 });
  assert.deepEqual(parse(["resume"], "--resume", "auto"), { resume: "auto" });
  assert.equal(complaint(["resume"], "--resume", "always"), "--resume always: must be auto, or nothing");
});

test("a recipe's options are JSON values by name, or text; a dot goes into a group", () => {
  const parsed = parse(
    ["recipeOptions"],
    "--recipe-options",
    "units=64,sizes=[8,16],kind=deep,loss.age=2,loss.race=0.5",
  );
  assert.deepEqual(parsed.recipeOptions, { units: 64, sizes: [8, 16], kind: "deep", loss: { age: 2, race: 0.5 } });
  const nested = parse(["recipeOptions"], "--recipe-options", 'a=[[1,2],[3,4]],b={"c":[1,{"d":2}]},e="x,y]",f=1');
  assert.deepEqual(nested.recipeOptions, {
    a: [
      [1, 2],
      [3, 4],
    ],
    b: { c: [1, { d: 2 }] },
    e: "x,y]",
    f: 1,
  });
  assert.equal(
    complaint(["recipeOptions"], "--recipe-options", "units"),
    "--recipe-options units: must be like units=64,sizes=[8,16]",
  );
});

test("a bad value is refused with the flag, the value and its limits", () => {
  const cases: [FlagName, string, string][] = [
    ["seed", "-1", "--seed -1: must be a whole number from 0 to 4294967295"],
    ["seed", "1.5", "--seed 1.5: must be a whole number from 0 to 4294967295"],
    ["subset", "0", "--subset 0: must be a number above 0 and at most 1"],
    ["lr", "fast", "--lr fast: must be a number above 0"],
    ["lr", "Infinity", "--lr Infinity: must be a number above 0"],
    ["dropout", "1", "--dropout 1: must be a number of at least 0 and below 1"],
    ["backend", "gpu", "--backend gpu: must be one of auto, torch, tensorflow, cpu"],
    ["widths", "8,0", "--widths 8,0: each of the list must be a whole number from 1 to 1000000"],
    [
      "taskWeights",
      "faces=1",
      "--task-weights faces=1: must be like gender=1,race=1,age=0.5 with numbers of at least 0",
    ],
    ["out", "", "--out : must not be empty"],
  ];
  for (const [name, value, line] of cases) {
    const [spelling = ""] = flags[name].usage.split(" ");
    assert.equal(complaint([name], `${spelling}=${value}`), line);
  }
});

test("a flag that is needed and not given is named", () => {
  assert.equal(
    complaint(["coordinator"]),
    "--coordinator: is needed (--coordinator <address>: where the coordinator listens)",
  );
});

test("--sampling is uniform, balanced, balanced by labels, or a CSV file", () => {
  for (const [text, sampling] of [
    ["uniform", { kind: "uniform" }],
    ["balanced", { kind: "balanced", by: null }],
    ["balanced:race+gender", { kind: "balanced", by: ["race", "gender"] }],
    ["a/w.csv", { kind: "file", path: "a/w.csv" }],
  ] as const) {
    assert.deepEqual(parse(["sampling"], "--sampling", text), { sampling });
  }
  for (const text of ["", "balance", "balanced:", "balanced:race+", "weights.txt"]) {
    assert.match(complaint(["sampling"], `--sampling=${text}`), /must be uniform, balanced, balanced:LABEL/);
  }
});

test("--to takes every form that can be written", () => {
  assert.deepEqual(writtenForms, formsOfTools);
});

test("`lockstep health` loads no data set and no recipe code, as it runs every few seconds", async () => {
  const refuse = `export function resolve(specifier, context, next) {
    if (/^@lockstep.(dataset|recipe)/.test(specifier)) throw new Error("loads " + specifier);
    return next(specifier, context);
  }`;
  const program = new URL("./program.js", import.meta.url).href;
  const script = `import { register } from "node:module";
    register("data:text/javascript," + ${JSON.stringify(encodeURIComponent(refuse))});
    await (await import(${JSON.stringify(program)})).createProgram(["health"]);`;
  await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
});
