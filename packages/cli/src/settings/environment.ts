// Owns the settings that stand in environment variables, and which of them a process that the launcher starts gets.
import { UserError } from "@lockstep/errors";
import { formOf, switchValues } from "../flag-values.js";
import { type FlagName, flags } from "../flags.js";
import { nearestSetting } from "./nearest-setting.js";
import { type Setting, settings } from "./setting.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Those that say something else than a flag does: native code, tests, tools. A test compares them with the sources. */
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

/** Kubernetes tells every container of a Service of the name `lockstep` so. */
const serviceVariable = /^LOCKSTEP_(\w+_)?(SERVICE_(HOST|PORT)|PORT)(_\w+)?$/;

/** As commander would hand it over; undefined when it is not set. @throws UserError for a switch that is neither */
export function fromEnvironment(name: FlagName, { variable }: Setting, env: Environment): string | boolean | undefined {
  const text = env[variable];
  const form = formOf(flags[name].schema);
  if (text === undefined || form.type !== "boolean" || form.words?.includes(text)) return text;
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw new UserError(`${variable}=${text}: must be ${switchValues(form)}`);
}

/** A line for each variable that looks like a setting and is none. */
export function complaintsAbout(env: Environment): string[] {
  const known = [...settings.map(({ variable }) => variable), ...otherVariables];
  return Object.keys(env)
    .filter((name) => name.startsWith("LOCKSTEP_") && !known.includes(name) && !serviceVariable.test(name))
    .sort()
    .map((name) => {
      const nearest = nearestSetting(name, known);
      return `warning: ${name}: no such setting${nearest === null ? " (lockstep config --help)" : `; did you mean ${nearest}?`}`;
    });
}

/** What train has understood goes to its processes as flags: the variables would say it to them once more. */
export function environmentOfChildren(env: Environment): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith("LOCKSTEP_") || otherVariables.includes(name)),
  );
}
