// `completionTree` lists what a shell can complete: every command, its flags and their values.
import type { Command } from "commander";
import { z } from "zod";
import { settingsOf } from "../settings/command-settings.js";
import { flagOf, type Setting } from "../settings/setting.js";
import { formOf, isSwitch } from "../settings/text-form.js";

export interface CompletableCommand {
  /** `dataset cache`; empty for the program itself. */
  readonly path: string;
  readonly description: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  readonly flags: readonly CompletableFlag[];
  /** Words that complete an argument; `takesFiles` tells whether an argument is a file or folder. */
  readonly words: readonly string[];
  readonly takesFiles: boolean;
}

export interface CompletableFlag {
  readonly spelling: string;
  readonly description: string;
  /** The flag's value: none, one of these words, a file, or one that a shell cannot complete. */
  readonly value: "none" | "file" | "other" | readonly string[];
}

export function completionTree(program: Command, path = ""): CompletableCommand[] {
  const subcommands = program.commands.map((command) => ({ name: command.name(), description: command.description() }));
  const here = {
    path,
    description: program.description(),
    subcommands,
    flags: [...Object.entries(settingsOf(program)).map(completableFlag), help, ...(path === "" ? [version] : [])],
    words: program.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
    takesFiles: program.registeredArguments.some(({ argChoices }) => argChoices === undefined),
  };
  return [
    here,
    ...program.commands.flatMap((command) => completionTree(command, `${path} ${command.name()}`.trimStart())),
  ];
}

const help: CompletableFlag = { spelling: "--help", description: "display help", value: "none" };
const version: CompletableFlag = { spelling: "--version", description: "display the version", value: "none" };

function completableFlag([name, setting]: readonly [string, Setting]): CompletableFlag {
  return { spelling: flagOf(name, setting), description: setting.help, value: valueBehind(setting) };
}

function valueBehind({ schema, unit }: Setting): CompletableFlag["value"] {
  const form = formOf(schema);
  if (isSwitch(form)) return "none";
  if (form instanceof z.ZodEnum) return form.options.map(String);
  return ["file", "folder", "path", "which"].includes(unit) ? "file" : "other";
}
