// Finds with `nearestName` the known name that a mistyped name was probably meant to be.
import { distance } from "fastest-levenshtein";

/** A longer text is not a mistyped name, and its comparison would take long. */
const longestName = 100;

export interface NearestOptions {
  /** Applied to both names before they are compared, for example to ignore letter case and separators. */
  readonly normalize: (name: string) => string;
  /** The most letters that may be inserted, deleted or replaced in a normalized text of this length. */
  readonly maxEdits: (length: number) => number;
}

/** The name with the fewest edits, the first of equals; null when every name needs more than maxEdits. */
export function nearestName(
  text: string,
  names: readonly string[],
  { normalize, maxEdits }: NearestOptions,
): string | null {
  if (text === "" || text.length > longestName) return null;
  const normalized = normalize(text);
  let nearest: string | null = null;
  let least = maxEdits(normalized.length) + 1;
  for (const name of names) {
    const edits = distance(normalized, normalize(name));
    if (edits >= least) continue;
    least = edits;
    nearest = name;
  }
  return nearest;
}
