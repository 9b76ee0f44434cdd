// Owns how much of a caller's free text is kept: it goes into logs, events and statuses, and is asked for again and again.

export const maxTextCharacters = 256;

export function boundedText(text: string): string {
  return text.length <= maxTextCharacters ? text : `${text.slice(0, maxTextCharacters - 1)}…`;
}
