// Makes text from elsewhere safe to show on a terminal with `printable`: characters that move the cursor, recolour, hide or reorder
// text are written as escapes.

const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line, e.g. `a\u{1b}[31mb`. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
