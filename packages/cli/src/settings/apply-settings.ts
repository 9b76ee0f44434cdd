// `applySettings` applies the precedence of settings: flag, environment, file. The command's action then reads all of them as
// if they were flags. `originsOf` returns where each value came from.
import { UserError } from "@lockstep/errors";
import type { Command } from "commander";
import { allSettings } from "./all-settings.js";
import { settingsOf } from "./command-settings.js";
import { flagOf, readValue, variableOf } from "./setting.js";
import { type FileValue, readSettingsFile } from "./settings-file.js";

/** Origins by setting name: `--seed`, `LOCKSTEP_SEED` or `run.yaml:3`; absent if the setting was not given. */
export type Origins = ReadonlyMap<string, string>;

const originsByCommand = new WeakMap<Command, Origins>();

export function originsOf(command: Command): Origins {
  return originsByCommand.get(command) ?? new Map();
}

/** @throws UserError that names the variable, or the file and the line */
export async function applySettings(
  command: Command,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const settings = Object.entries(settingsOf(command));
  const origins = new Map<string, string>();
  const apply = (name: string, value: unknown, origin: string): void => {
    command.setOptionValueWithSource(name, value, origin);
    origins.set(name, origin);
  };
  for (const [name, setting] of settings) {
    const variable = variableOf(name);
    const value = name in allSettings ? env[variable] : undefined;
    if (command.getOptionValueSource(name) === "cli") origins.set(name, flagOf(name, setting));
    else if (value !== undefined) {
      readValue(setting, value, `${variable}=${value}`);
      apply(name, value, variable);
    }
  }
  const file = await settingsFileOf(command);
  for (const [name] of settings) {
    const found = file.get(name);
    if (found !== undefined && !origins.has(name)) apply(name, found.value, found.place);
  }
  originsByCommand.set(command, origins);
}

/** The file may hold settings of other commands: a coordinator and its workers can share one file. */
async function settingsFileOf(command: Command): Promise<ReadonlyMap<string, FileValue>> {
  const path: unknown = "config" in settingsOf(command) ? command.getOptionValue("config") : undefined;
  if (path === undefined) return new Map();
  if (typeof path !== "string" || path === "") throw new UserError("--config: must name a file");
  return readSettingsFile(path);
}
