// `complaintsAbout` warns of environment variables that look like settings but are none; `environmentOfChildren` removes the
// settings from the environment of a launcher's processes.
import { allSettings } from "./all-settings.js";
import { nearestSetting } from "./nearest-setting.js";
import { variableOf } from "./setting.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that are not settings: native code, tests and tools read them. A test compares this list with the sources. */
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

/** Kubernetes sets these in every container if a Service is named `lockstep`. */
const serviceVariable = /^LOCKSTEP_(\w+_)?(SERVICE_(HOST|PORT)|PORT)(_\w+)?$/;

/** @returns one line for each variable that looks like a setting and is none */
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

/** The launcher passes settings on stdin: with the variables, its processes would get them twice. */
export function environmentOfChildren(env: Environment): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith("LOCKSTEP_") || otherVariables.includes(name)),
  );
}
