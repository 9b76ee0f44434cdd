// Lists every setting once, by name (allSettings), and gives a command those that it takes (select).
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

/** Some of them, for a command. */
export function select<const Names extends readonly Name[]>(...names: Names) {
  // Each name is one of the table.
  return Object.fromEntries(names.map((name) => [name, declared[name]])) as Pick<typeof declared, Names[number]>;
}

/** Whatever may stand in the environment, too. */
export const allSettings: Settings = Object.fromEntries(
  Object.entries(declared).filter(([, { internal }]) => !internal),
);

/** Whatever may stand in a file: a file does not name another. */
export const fileSettings: Settings = Object.fromEntries(
  Object.entries(allSettings).filter(([name]) => name !== "config"),
);
