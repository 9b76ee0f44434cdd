// Owns what a shell may complete: every command with its flags and what stands behind them, from the program itself.
import type { Command } from "commander";
import { formOf } from "../flag-values.js";
import { type FlagName, flags, flagsOf, spellingOf } from "../flags.js";

export interface CompletableCommand {
  /** `dataset cache`; empty for the program itself. */
  readonly path: string;
  readonly description: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  readonly flags: readonly CompletableFlag[];
  /** What may stand where no flag does: words, or a file or a folder. */
  readonly words: readonly string[];
  readonly takesFiles: boolean;
}

export interface CompletableFlag {
  readonly spelling: string;
  readonly description: string;
  /** What follows it: nothing, one of these words, a file, or something that a shell cannot know. */
  readonly value: "none" | "file" | "other" | readonly string[];
}

export function completionTree(program: Command, path = ""): CompletableCommand[] {
  const subcommands = program.commands.map((command) => ({ name: command.name(), description: command.description() }));
  const here = {
    path,
    description: program.description(),
    subcommands,
    flags: [...flagsOf(program).map(completableFlag), help, ...(path === "" ? [version] : [])],
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

function completableFlag(name: FlagName): CompletableFlag {
  const { usage, help: description, schema } = flags[name];
  return { spelling: spellingOf(name), description, value: valueBehind(usage, formOf(schema)) };
}

function valueBehind(usage: string, form: ReturnType<typeof formOf>): CompletableFlag["value"] {
  if (form.type === "boolean") return "none";
  if (form.type === "string" && form.enum !== undefined) return form.enum;
  return /<(file|folder|path|which)>/.test(usage) ? "file" : "other";
}
