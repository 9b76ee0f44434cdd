// Makes text from other programs safe for a terminal with `printable`: characters that move the cursor, recolour, hide or reorder
// text are replaced by escapes.

const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line, e.g. `a\u{1b}[31mb`. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
