import assert from "node:assert/strict";
import { test } from "node:test";
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
