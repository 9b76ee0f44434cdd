// `nearestSetting` finds the setting whose name is nearest to a misspelt one.
import { nearestName } from "@lockstep/errors";

/** @returns null if no name is near. Upper case, and `_` instead of `-`, are ignored */
export function nearestSetting(name: string, known: readonly string[]): string | null {
  return nearestName(name, known, { normalize, maxEdits: (length) => Math.max(2, Math.floor(length / 3)) });
}

/** `imageSize`, `image_size` and `--image-size` are `image-size`; `no-augmentation` is `augmentation`. */
function normalize(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .replaceAll("_", "-")
    .replace(/^(--)?(no-)?/, "");
}
