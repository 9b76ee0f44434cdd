// Shortens free text of a caller to 256 characters: `boundedText`. The text is repeated in logs, events and statuses.

export const maxTextCharacters = 256;

export function boundedText(text: string): string {
  return text.length <= maxTextCharacters ? text : `${text.slice(0, maxTextCharacters - 1)}…`;
}
