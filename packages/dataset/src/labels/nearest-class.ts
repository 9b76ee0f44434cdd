// Finds the known class that is nearest to a mistaken text (nearestClass).
import { nearestName } from "@lockstep/errors";

/** Null where none is near: equal but for letter case and separators, else with at most a third of its letters wrong. */
export function nearestClass(text: string, classes: readonly string[]): string | null {
  return nearestName(text, classes, { plain, maxEdits: (length) => Math.floor(length / 3) });
}

function plain(text: string): string {
  return text.toLowerCase().replaceAll(/[\s_-]+/g, " ");
}
