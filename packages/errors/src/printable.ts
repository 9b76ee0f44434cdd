// Owns how text of others is shown on a terminal: as text. What moves the cursor, recolours, hides or reorders is written out.

const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** On one line: `a\u{1b}[31mb`. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
