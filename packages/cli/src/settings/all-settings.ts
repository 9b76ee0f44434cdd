// `allSettings` lists every setting by name; `select` returns some of them for a command.
import { dataSettings } from "./declared/data.js";
import { launchSettings } from "./declared/launch.js";
import { certificateSettings, networkSettings } from "./declared/network.js";
import { specSettings } from "./declared/run-spec.js";
import { toolSettings } from "./declared/tools.js";
import type { Settings } from "./setting.js";

const declared = {
  ...specSettings,
  ...dataSettings,
  ...launchSettings,
  ...networkSettings,
  ...certificateSettings,
  ...toolSettings,
};

type Name = keyof typeof declared;

/** @returns the named settings, for a command */
export function select<const Names extends readonly Name[]>(...names: Names) {
  // The type of `names` allows only names of the table.
  return Object.fromEntries(names.map((name) => [name, declared[name]])) as Pick<typeof declared, Names[number]>;
}

/** Every setting that a user can give, also in the environment. */
export const allSettings: Settings = Object.fromEntries(
  Object.entries(declared).filter(([, { internal }]) => !internal),
);

/** Every setting that a file can hold: all but `config`, as a file cannot name another file. */
export const fileSettings: Settings = Object.fromEntries(
  Object.entries(allSettings).filter(([name]) => name !== "config"),
);
