// Finds the class whose name is nearest to a misspelled text (nearestClass).
import { nearestName } from "@lockstep/errors";

/**
 * Returns null if no class is near. A class is near if it differs from the text only in letter case and separators, or
 * if at most a third of the letters are wrong.
 */
export function nearestClass(text: string, classes: readonly string[]): string | null {
  return nearestName(text, classes, { normalize: plain, maxEdits: (length) => Math.floor(length / 3) });
}

function plain(text: string): string {
  return text.toLowerCase().replaceAll(/[\s_-]+/g, " ");
}
