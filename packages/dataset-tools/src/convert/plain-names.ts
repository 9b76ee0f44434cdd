// Owns what images are called in a form that is written: the names that they had, made plain enough for every form.
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

const signatures: readonly (readonly [ending: string, at: number, bytes: string])[] = [
  ["jpg", 0, "\xff\xd8\xff"],
  ["png", 0, "\x89PNG"],
  ["gif", 0, "GIF8"],
  ["webp", 8, "WEBP"],
  ["bmp", 0, "BM"],
  ["tif", 0, "II*\0"],
  ["tif", 0, "MM\0*"],
  ["avif", 4, "ftypavif"],
  ["heic", 4, "ftypheic"],
];

/** By what the bytes are; where they are nothing known, by the name. */
export function endingOf(bytes: Uint8Array, name: string): string {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 16)).toString("latin1");
  const known = signatures.find(([, at, signature]) => start.startsWith(signature, at));
  return known?.[0] ?? /\.([a-z0-9]{1,5})$/i.exec(name)?.[1]?.toLowerCase() ?? "jpg";
}
