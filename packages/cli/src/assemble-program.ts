// `assembleProgram` builds the `lockstep` program from commands. It adds what all commands share: settings from a file and the
// environment, checks of paths, and error messages of one line.
import { createRequire } from "node:module";
import { Command } from "commander";
import { checkPaths } from "./check-paths.js";
import { userErrorPrefix } from "./launcher/child.js";
import { select } from "./settings/all-settings.js";
import { applySettings } from "./settings/apply-settings.js";
import { addSettings, settingsOf } from "./settings/command-settings.js";
import { complaintsAbout } from "./settings/environment.js";

const examples = `
Examples:
  $ lockstep train --epochs 2 --out runs/first
  $ lockstep evaluate runs/first
  $ lockstep doctor

Flags can also be set in a file or the environment: lockstep config --help
`;

/** @returns a program that throws CommanderError instead of ending the process; the error's line is then already on stderr */
export function assembleProgram(commands: readonly ((program: Command) => void)[]): Command {
  const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
  const program = new Command("lockstep")
    .description(
      "Trains a neural network on many workers. The weights are the same, bit for bit, for any number of workers and after any failure.",
    )
    .version(`lockstep ${version} (node ${process.versions.node}, ${process.platform} ${process.arch})`)
    .showHelpAfterError(false)
    .addHelpText("after", examples);
  for (const add of commands) add(program);
  for (const command of allCommands(program)) if (hasSettings(command)) addSettings(command, select("config"));
  program.hook("preAction", async (_, command) => {
    for (const line of complaintsAbout(process.env)) process.stderr.write(`${line}\n`);
    await applySettings(command, process.env);
    await checkPaths(command);
  });
  for (const command of [program, ...allCommands(program)]) {
    command.exitOverride().configureOutput({
      outputError: (text, write) => write(`${userErrorPrefix}${oneLine(text)} (see lockstep ${helpPath(command)})\n`),
    });
  }
  return program;
}

/**
 * For `lockstep NO-SUCH-COMMAND --help` commander prints the parent's help and reports no error. Without `--help` it reports the
 * unknown command, so the flag is removed there.
 */
export function forCommander(program: Command, args: readonly string[]): string[] {
  let at = program;
  for (const arg of args) {
    if (arg.startsWith("-") || at.commands.length === 0) break;
    const next = at.commands.find((command) => command.name() === arg);
    if (next === undefined && arg !== "help") return args.filter((arg) => arg !== "--help" && arg !== "-h");
    if (next === undefined) break;
    at = next;
  }
  return [...args];
}

/** A command whose only settings choose the output format needs no settings file. */
function hasSettings(command: Command): boolean {
  return Object.keys(settingsOf(command)).some((name) => !["json", "logLevel"].includes(name));
}

function allCommands(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)]);
}

function helpPath(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
  return [...names, "--help"].join(" ");
}

/** commander writes its suggestion on a second line. */
function oneLine(text: string): string {
  return text
    .replace(/^error: /, "")
    .trim()
    .replace(/\s*\n\s*/g, " ");
}
