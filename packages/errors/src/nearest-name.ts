// Owns which of the known names a mistaken one was probably meant to be.

/** Longer texts are no mistyped names, and would cost time. */
const longestName = 100;

export interface NearestOptions {
  /** What of a name counts: letter case and separators mostly do not. */
  readonly plain: (name: string) => string;
  /** That a text of this length may be away. */
  readonly maxEdits: (length: number) => number;
}

/** The first of those that the fewest edits lead to; null where all are farther away than maxEdits. */
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
    const distance = editDistance(wanted, plain(name));
    if (distance >= least) continue;
    least = distance;
    nearest = name;
  }
  return nearest;
}

/** Levenshtein's: letters to put in, leave out or exchange. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchanged = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(exchanged, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
