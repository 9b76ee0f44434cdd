// Owns which of the known names a mistaken one was probably meant to be.

/** Longer texts are no mistyped names, and would cost time. */
const longestName = 100;

/** Null where none is near: equal but for letter case and separators, else with at most a third of its letters wrong. */
export function nearestName(text: string, names: readonly string[]): string | null {
  if (text === "" || text.length > longestName) return null;
  const plain = plainText(text);
  let nearest: string | null = null;
  let least = Math.floor(plain.length / 3) + 1;
  for (const name of names) {
    const distance = editDistance(plain, plainText(name));
    if (distance >= least) continue;
    least = distance;
    nearest = name;
  }
  return nearest;
}

function plainText(text: string): string {
  return text.toLowerCase().replaceAll(/[\s_-]+/g, " ");
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
