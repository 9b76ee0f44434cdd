// Derives file names that are valid in every form from the images' names (plainStems).
import type { PartName } from "@lockstep/dataset";

/**
 * Returns a stem (a file name without its ending) for each image, in order. Stems consist of letters, digits, `-` and
 * `_`, and are unique within a part without regard to letter case.
 */
export function plainStems(images: readonly { readonly part: PartName; readonly name: string }[]): string[] {
  const taken = new Set<string>();
  // For each stem: the number of its next copy, so that many images with equal names do not each count from 2.
  const nextCopy = new Map<string, number>();
  return images.map(({ part, name }) => {
    const base =
      (name.split("/").at(-1) ?? "").replace(/\.[a-z0-9]{1,5}$/i, "").replaceAll(/[^A-Za-z0-9_-]+/g, "_") || "image";
    const keyOf = (stem: string): string => `${part}/${stem.toLowerCase()}`;
    let stem = base;
    let copy = nextCopy.get(keyOf(base)) ?? 2;
    while (taken.has(keyOf(stem))) stem = `${base}-${copy++}`;
    nextCopy.set(keyOf(base), copy);
    taken.add(keyOf(stem));
    return stem;
  });
}
