// Owns which part of the official split a name means: of a split column, of a file (`train-00000-of-00004.parquet`) or of a
// folder (`validation/`).
import { UserError } from "@lockstep/errors";
import { origin } from "../dataset.js";

const partNames: ReadonlyMap<string, number> = new Map([
  ["train", origin.officialTrain],
  ["training", origin.officialTrain],
  ["val", origin.officialVal],
  ["valid", origin.officialVal],
  ["validation", origin.officialVal],
  ["dev", origin.officialVal],
  ["test", origin.officialTest],
]);

const accepted = "train, val (or validation, dev) and test";

/** Null where the name is no part's. */
export function partNamed(name: string): number | null {
  return partNames.get(name.trim().toLowerCase()) ?? null;
}

/** By the words of a file's path, the nearest to its name first; null where none or several of them are parts. */
export function partOfPath(path: string): number | null {
  for (const step of path.split("/").reverse()) {
    const words = step.toLowerCase().split(/[^a-z]+/);
    const parts = new Set(words.flatMap((word) => partNames.get(word) ?? []));
    if (parts.size > 0) return parts.size === 1 ? ([...parts][0] ?? null) : null;
  }
  return null;
}

/** @throws UserError where a split column holds something else */
export function partOfValue(where: string, column: string, value: unknown): number {
  const part = partNamed(String(value ?? ""));
  if (part !== null) return part;
  throw new UserError(
    `${where}: ${column} "${String(value ?? "")}" is no part of a data set; the parts are ${accepted}`,
  );
}

/**
 * The part of each file. Where no name says one, all is for training.
 * @throws UserError where some names do and others do not
 */
export function partsOfFiles(folder: string, files: readonly string[]): number[] {
  const parts = files.map(partOfPath);
  const [named, nameless] = [files.find((_, i) => parts[i] !== null), files.find((_, i) => parts[i] === null)];
  if (named !== undefined && nameless !== undefined) {
    throw new UserError(
      `${folder}: "${named}" names its part and "${nameless}" names none; name every file after its part: ${accepted}`,
    );
  }
  return parts.map((part) => part ?? origin.officialTrain);
}
