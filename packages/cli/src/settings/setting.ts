// Owns what can be said outside of the command line: every flag of the table is a key of the settings file and an
// environment variable too, by one rule. A flag that is added to the table has all three.
import { type FlagName, flags, keyOf } from "../flags.js";

export interface Setting {
  /** In the file: `image-size`. */
  readonly key: string;
  /** In the environment: `LOCKSTEP_IMAGE_SIZE`. */
  readonly variable: string;
  /** The flags of that spelling; --out is two, as some commands need it. */
  readonly flags: readonly FlagName[];
}

/** What a launcher alone tells the processes that it starts. */
const internal: readonly FlagName[] = ["prepared"];

export const settings: readonly Setting[] = listSettings();

function listSettings(): Setting[] {
  const byKey = new Map<string, FlagName[]>();
  for (const name of Object.keys(flags) as FlagName[]) {
    // the table's own keys
    if (!internal.includes(name)) byKey.set(keyOf(name), [...(byKey.get(keyOf(name)) ?? []), name]);
  }
  return [...byKey].map(([key, names]) => ({ key, variable: variableOf(key), flags: names }));
}

/** A file does not name another. */
export const fileSettings: readonly Setting[] = settings.filter(({ key }) => key !== "config");

export function settingOf(name: FlagName): Setting | undefined {
  return settings.find((setting) => setting.flags.includes(name));
}

function variableOf(key: string): string {
  return `LOCKSTEP_${key.replaceAll("-", "_").toUpperCase()}`;
}
