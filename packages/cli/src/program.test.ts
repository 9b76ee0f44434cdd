import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { forCommander } from "./assemble-program.js";
import { createProgram } from "./program.js";

/** As a terminal of 80 columns shows it. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 80 });
  command.outputHelp();
  return text;
}

function withAll(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withAll)];
}

test("every command's help fits into 80 columns and ends with examples", async () => {
  const commands = withAll(await createProgram());
  assert.ok(commands.length > 10);
  for (const command of commands) {
    const help = helpOf(command);
    assert.match(help, /^Examples:\n {2}\$ /m, command.name());
    for (const line of help.split("\n")) assert.ok([...line].length <= 80, `${command.name()}: ${line}`);
  }
});

/** Names of the heavy packages that `lockstep COMMAND --help` has loaded. Both are CommonJS, so the module cache lists their files. */
function heavyPackagesOf(command: string): string[] {
  const report = `
import Module from "node:module";
process.on("exit", () => process.stderr.write(JSON.stringify(Object.keys(Module._cache))));`;
  const { stderr, status } = spawnSync(
    process.execPath,
    [
      ...["--import", `data:text/javascript,${encodeURIComponent(report)}`],
      ...[fileURLToPath(new URL("../bin/lockstep.js", import.meta.url)), command, "--help"],
    ],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stderr);
  const files: string[] = JSON.parse(stderr);
  return ["@tensorflow/tfjs-core", "sharp"].filter((name) =>
    files.some((file) => file.includes(`/node_modules/${name}/`)),
  );
}

test("the coordinator command loads TensorFlow.js and the image decoder only to prepare a run", () => {
  assert.deepEqual(heavyPackagesOf("train"), ["@tensorflow/tfjs-core"]);
  assert.deepEqual(heavyPackagesOf("coordinator"), []);
});

test("a flag has one meaning: no command takes the same spelling twice", async () => {
  for (const command of withAll(await createProgram())) {
    const spellings = command.options.map(({ long }) => long);
    assert.equal(new Set(spellings).size, spellings.length, command.name());
  }
});

test("help on a command that does not exist is a complaint about the command", async () => {
  const program = await createProgram();
  assert.deepEqual(forCommander(program, ["predict", "--help"]), ["predict"]);
  assert.deepEqual(forCommander(program, ["dataset", "list", "-h"]), ["dataset", "list"]);
  const known = [
    ["--help"],
    ["train", "--help"],
    ["help", "train"],
    ["status", "runs/a", "--help"],
    ["dataset", "--help"],
  ];
  for (const args of known) assert.deepEqual(forCommander(program, args), args);
});
