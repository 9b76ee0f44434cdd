// Finds with `nearestName` which of the known names a mistyped one was probably meant to be.
import { distance } from "fastest-levenshtein";

/** Longer texts are no mistyped names, and comparing them takes long. */
const longestName = 100;

export interface NearestOptions {
  /** The part of a name that is compared, mostly without letter case and separators. */
  readonly plain: (name: string) => string;
  /** The most letters inserted, deleted or replaced that are taken for a mistake in a text of this length. */
  readonly maxEdits: (length: number) => number;
}

/** The name with the fewest edits, the first of equals; null where all need more than maxEdits. */
export function nearestName(
  text: string,
  names: readonly string[],
  { plain, maxEdits }: NearestOptions,
): string | null {
  if (text === "" || text.length > longestName) return null;
  const wanted = plain(text);
  let nearest: string | null = null;
  let least = maxEdits(wanted.length) + 1;
  for (const name of names) {
    const edits = distance(wanted, plain(name));
    if (edits >= least) continue;
    least = edits;
    nearest = name;
  }
  return nearest;
}
