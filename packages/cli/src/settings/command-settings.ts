// `addSettings` adds settings to a command as flags; `parseSettings` reads their values.
import { UserError } from "@lockstep/errors";
import { type Command, Option } from "commander";
import { flagOf, type Given, helpOf, readValue, type Setting, type Settings, usageOf, type Values } from "./setting.js";
import { textForm } from "./text-form.js";

const settingsByCommand = new WeakMap<Command, Settings>();

/** @returns the settings that `addSettings` added to the command */
export function settingsOf(command: Command): Settings {
  return settingsByCommand.get(command) ?? {};
}

/** @param heading puts the flags into a section of the help with this heading */
export function addSettings(command: Command, settings: Settings, { heading }: { readonly heading?: string } = {}) {
  settingsByCommand.set(command, { ...settingsOf(command), ...settings });
  for (const [name, setting] of Object.entries(settings)) {
    const option = optionOf(name, setting);
    command.addOption(heading === undefined ? option : option.helpGroup(heading));
    // For a `--no-…` flag that is not given, commander sets true, as if it were given.
    if (option.negate) command.setOptionValueWithSource(name, undefined, "default");
  }
  return command;
}

export function optionOf(name: string, setting: Setting): Option {
  return new Option(usageOf(name, setting), helpOf(setting));
}

/** @param raw the option values of commander. @throws UserError that names the first wrong flag, its value and its limits */
export function parseSettings<Group extends Settings>(raw: Readonly<Record<string, unknown>>, settings: Group) {
  const entries = Object.entries(settings).map(([name, setting]) => {
    const [given, flag] = [raw[name], flagOf(name, setting)];
    if (given !== undefined) return [name, readValue(setting, given, `${flag} ${textForm(given)}`)];
    const byDefault = setting.schema.safeParse(undefined);
    if (byDefault.success) return [name, byDefault.data];
    throw new UserError(`${flag}: is needed (${usageOf(name, setting)}: ${setting.help})`);
  });
  // Each value has its schema's output type, which Object.fromEntries loses.
  return Object.fromEntries(entries) as Values<Group>;
}

/** Like `parseSettings`, but without defaults: for a command with other ones, such as the values of a resumed run. */
export function parseGiven<Group extends Settings>(raw: Readonly<Record<string, unknown>>, settings: Group) {
  const given = Object.entries(settings).filter(([name]) => raw[name] !== undefined);
  // Settings that were not given are absent.
  return parseSettings(raw, Object.fromEntries(given)) as Given<Group>;
}
