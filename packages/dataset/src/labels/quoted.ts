// Quotes a value of the user's data for a message (quoted): in quotation marks, on one line, shortened if it is long.

const shownCharacters = 80;
/**
 * Format characters and blanks other than a space, e.g. a no-break space. On a screen they are invisible or look like a
 * space.
 */
const invisible = /\p{Cf}|(?! )\p{Zs}/gu;

/** Returns `"text"`. Control characters and invisible characters are escaped. */
export function quoted(text: string): string {
  const shown = text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
  return JSON.stringify(shown).replaceAll(invisible, escaped);
}

function escaped(text: string): string {
  return text.replaceAll(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
