// Owns how a value from somebody's data stands in a complaint: in quotes, on one line, cut where it is long.

const shownCharacters = 80;

/** `"text"`, control characters escaped. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text);
}
