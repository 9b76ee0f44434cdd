// Gives a command its settings as flags (addSettings) and reads their values (parseSettings).
import { UserError } from "@lockstep/errors";
import { type Command, Option } from "commander";
import { flagOf, type Given, helpOf, readValue, type Setting, type Settings, usageOf, type Values } from "./setting.js";
import { textForm } from "./text-form.js";

const settingsByCommand = new WeakMap<Command, Settings>();

/** Those that addSettings has added. */
export function settingsOf(command: Command): Settings {
  return settingsByCommand.get(command) ?? {};
}

/** @param heading of their own part of the help */
export function addSettings(command: Command, settings: Settings, { heading }: { readonly heading?: string } = {}) {
  settingsByCommand.set(command, { ...settingsOf(command), ...settings });
  for (const [name, setting] of Object.entries(settings)) {
    const option = optionOf(name, setting);
    command.addOption(heading === undefined ? option : option.helpGroup(heading));
    // commander takes a `--no-…` that was not given for a true that was
    if (option.negate) command.setOptionValueWithSource(name, undefined, "default");
  }
  return command;
}

export function optionOf(name: string, setting: Setting): Option {
  return new Option(usageOf(name, setting), helpOf(setting));
}

/** @param raw what commander read. @throws UserError that names the first flag that is wrong, its value and its limits */
export function parseSettings<Group extends Settings>(raw: Readonly<Record<string, unknown>>, settings: Group) {
  const entries = Object.entries(settings).map(([name, setting]) => {
    const [given, flag] = [raw[name], flagOf(name, setting)];
    if (given !== undefined) return [name, readValue(setting, given, `${flag} ${textForm(given)}`)];
    const byDefault = setting.schema.safeParse(undefined);
    if (byDefault.success) return [name, byDefault.data];
    throw new UserError(`${flag}: is needed (${usageOf(name, setting)}: ${setting.help})`);
  });
  // Each has the output of its setting's schema; Object.fromEntries loses which.
  return Object.fromEntries(entries) as Values<Group>;
}

/** Without defaults, for a command that knows better ones, such as those of the run that goes on. @throws UserError as parseSettings */
export function parseGiven<Group extends Settings>(raw: Readonly<Record<string, unknown>>, settings: Group) {
  const given = Object.entries(settings).filter(([name]) => raw[name] !== undefined);
  // Those that were not given are absent.
  return parseSettings(raw, Object.fromEntries(given)) as Given<Group>;
}
