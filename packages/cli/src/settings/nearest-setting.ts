// Guesses which setting a misspelt name was meant to be (nearestSetting).
import { nearestName } from "@lockstep/errors";

/** Null when no name is near. Upper case and `_` instead of `-` are no difference. */
export function nearestSetting(name: string, known: readonly string[]): string | null {
  return nearestName(name, known, { normalize: plain, maxEdits: (length) => Math.max(2, Math.floor(length / 3)) });
}

/** `imageSize`, `image_size` and `--image-size` are `image-size`; `no-augmentation` is about `augmentation`. */
function plain(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .replaceAll("_", "-")
    .replace(/^(--)?(no-)?/, "");
}
