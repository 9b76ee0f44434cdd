// Finds the part of the official split that a name stands for: the value of a split column (partOfValue), or the name
// of a file (`train-00000-of-00004.parquet`) or of a folder (`validation/`) (partOfPath, partsOfFiles).
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

/** Returns null if the name is not the name of a part. */
export function partNamed(name: string): number | null {
  return partNames.get(name.trim().toLowerCase()) ?? null;
}

/**
 * Finds the part in the words of a file's path. It looks at the file's name first, then at the folders from the
 * innermost to the outermost. Returns null if no step names a part, or if the first step that does names several.
 */
export function partOfPath(path: string): number | null {
  for (const step of path.split("/").reverse()) {
    const words = step.toLowerCase().split(/[^a-z]+/);
    const parts = new Set(words.flatMap((word) => partNames.get(word) ?? []));
    if (parts.size > 0) return parts.size === 1 ? ([...parts][0] ?? null) : null;
  }
  return null;
}

/** @throws UserError if the value of a split column is not the name of a part */
export function partOfValue(where: string, column: string, value: unknown): number {
  const part = partNamed(String(value ?? ""));
  if (part !== null) return part;
  throw new UserError(
    `${where}: ${column} "${String(value ?? "")}" is not a part of a data set; the parts are ${accepted}`,
  );
}

/**
 * Returns the part of each file. If no path names a part, all files belong to the training part.
 * @throws UserError if some paths name a part and others do not
 */
export function partsOfFiles(folder: string, files: readonly string[]): number[] {
  const parts = files.map(partOfPath);
  const [named, nameless] = [files.find((_, i) => parts[i] !== null), files.find((_, i) => parts[i] === null)];
  if (named !== undefined && nameless !== undefined) {
    throw new UserError(
      `${folder}: the name "${named}" contains a part and the name "${nameless}" does not; name every file after its part: ${accepted}`,
    );
  }
  return parts.map((part) => part ?? origin.officialTrain);
}
