// Owns the guess at what a misspelt name was meant to be.

/** The known name that the fewest edits lead to; null when all are far. Case and `_` for `-` cost nothing. */
export function nearestName(name: string, known: readonly string[]): string | null {
  const wanted = plain(name);
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: editDistance(wanted, plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  if (nearest === undefined || nearest.distance > Math.max(2, Math.floor(wanted.length / 3))) return null;
  return nearest.candidate;
}

/** `imageSize`, `image_size` and `--image-size` are `image-size`; `no-augmentation` is about `augmentation`. */
function plain(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .replaceAll("_", "-")
    .replace(/^(--)?(no-)?/, "");
}

/** Levenshtein's: insertions, deletions and replacements. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
