// Tells which variables of the environment are settings (complaintsAbout), and which of them the processes of a launcher
// get (environmentOfChildren).
import { allSettings } from "./all-settings.js";
import { nearestSetting } from "./nearest-setting.js";
import { variableOf } from "./setting.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Those that are no settings: native code, tests, tools. A test compares them with the sources. */
export const otherVariables: readonly string[] = [
  "LOCKSTEP_FAIRFACE",
  "LOCKSTEP_FAULTS",
  "LOCKSTEP_NATIVE",
  "LOCKSTEP_NATIVE_TRACE",
  "LOCKSTEP_REQUIRE_TOOLS",
  "LOCKSTEP_TORCH_POOL_MB",
  "LOCKSTEP_TORCH_TRACE",
  "LOCKSTEP_UPDATE_GOLDEN",
];

/** Kubernetes sets these in every container where a Service has the name `lockstep`. */
const serviceVariable = /^LOCKSTEP_(\w+_)?(SERVICE_(HOST|PORT)|PORT)(_\w+)?$/;

/** A line for each variable that looks like a setting and is none. */
export function complaintsAbout(env: Environment): string[] {
  const known = [...Object.keys(allSettings).map(variableOf), ...otherVariables];
  return Object.keys(env)
    .filter((name) => name.startsWith("LOCKSTEP_") && !known.includes(name) && !serviceVariable.test(name))
    .sort()
    .map((name) => {
      const nearest = nearestSetting(name, known);
      return `warning: ${name}: no such setting${nearest === null ? " (lockstep config --help)" : `; did you mean ${nearest}?`}`;
    });
}

/** The launcher gives its processes their settings itself: the variables would give them once more. */
export function environmentOfChildren(env: Environment): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith("LOCKSTEP_") || otherVariables.includes(name)),
  );
}
