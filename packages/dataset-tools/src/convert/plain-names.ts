// Names the images of a form that is written (plainStems): their earlier names, made plain enough for every form.
import type { PartName } from "@lockstep/dataset";

/** A stem for each image, in order: letters, digits, `-` and `_` alone, none twice within a part, whatever the letters' case. */
export function plainStems(images: readonly { readonly part: PartName; readonly name: string }[]): string[] {
  const taken = new Set<string>();
  // By what many images are called: the copy to go on from, so that equal names do not each count from 2.
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
