// Owns the precedence of what is said: flag, then environment, then file. What a command's action reads afterwards is
// as if all of it had been flags; where each value came from is kept for people.
import { UserError } from "@lockstep/errors";
import type { Command } from "commander";
import { attributeOf, type FlagName, flags, flagsOf, spellingOf } from "../flags.js";
import { fromEnvironment } from "./environment.js";
import { settingOf } from "./setting.js";
import { type FileValue, readSettingsFile } from "./settings-file.js";

/** For people: `--seed`, `LOCKSTEP_SEED` or `run.yaml:3`; absent where nothing was said. */
export type Origins = ReadonlyMap<FlagName, string>;

const originsByCommand = new WeakMap<Command, Origins>();

export function originsOf(command: Command): Origins {
  return originsByCommand.get(command) ?? new Map();
}

/** @throws UserError that names the variable, or the file and the line */
export async function applySettings(
  command: Command,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const names = flagsOf(command);
  const origins = new Map<FlagName, string>();
  const applied = (name: FlagName, value: string | boolean, origin: string, complaint: string): void => {
    const result = flags[name].schema.safeParse(value);
    if (!result.success) throw new UserError(`${complaint}: ${result.error.issues[0]?.message ?? "not understood"}`);
    command.setOptionValueWithSource(attributeOf(name), value, origin);
    origins.set(name, origin);
  };
  for (const name of names) {
    const setting = settingOf(name);
    if (command.getOptionValueSource(attributeOf(name)) === "cli") origins.set(name, spellingOf(name));
    else if (setting !== undefined) {
      const value = fromEnvironment(name, setting, env);
      const { variable } = setting;
      if (value !== undefined) applied(name, value, variable, `${variable}=${value}`);
    }
  }
  const file = await settingsFileOf(command);
  for (const name of names) {
    const { key = "" } = settingOf(name) ?? {};
    const said = file.get(key);
    if (said !== undefined && !origins.has(name)) {
      applied(name, said.value, said.place, `${said.place}: ${key}: ${said.value}`);
    }
  }
  originsByCommand.set(command, origins);
}

/** A file may hold settings of other commands: one file serves a coordinator and its workers. */
async function settingsFileOf(command: Command): Promise<ReadonlyMap<string, FileValue>> {
  const path: unknown = flagsOf(command).includes("config") ? command.getOptionValue(attributeOf("config")) : undefined;
  if (path === undefined) return new Map();
  if (typeof path !== "string" || path === "") throw new UserError("--config: must name a file");
  return readSettingsFile(path);
}
