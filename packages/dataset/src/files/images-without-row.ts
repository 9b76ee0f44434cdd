// Finds the images of a folder that no row of the label files names (imagesWithoutRow): they are left out, and counted.
import { readdir, realpath } from "node:fs/promises";
import { join, posix } from "node:path";

const imageEnding = /\.(jpe?g|png|webp|gif|tiff?|avif|heic|bmp)$/i;

export function isImageName(name: string): boolean {
  return imageEnding.test(name);
}

/**
 * Images beside those that are named: in the same folders, recognised by their ending. Names are relative to `folder`, ascending.
 * A folder may be named by several paths (links), and a file system may ignore letter case and Unicode form: then an image is
 * named although its path is written otherwise.
 */
export async function imagesWithoutRow(folder: string, named: readonly string[]): Promise<string[]> {
  const byFolder = new Map<string, { readonly path: string; readonly names: Set<string> }>();
  for (const [path, names] of groupByFolder(named)) {
    const real = await realpath(join(folder, path)).catch(() => null); // in an absent folder, each image is missing already
    if (real === null) continue;
    const known = byFolder.get(real) ?? { path, names: new Set<string>() };
    for (const name of names) known.names.add(name);
    byFolder.set(real, known);
  }
  const found: string[] = [];
  for (const [real, { path, names }] of byFolder) {
    const present = await readdir(real).catch(() => []);
    const absent = new Set(names);
    for (const name of present) absent.delete(name);
    const otherwise = new Set(Array.from(absent, fold));
    for (const name of present) {
      if (isImageName(name) && !names.has(name) && !otherwise.has(fold(name))) found.push(posix.join(path, name));
    }
  }
  return found.sort();
}

function groupByFolder(files: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const path = posix.dirname(file);
    const group = groups.get(path);
    if (group) group.push(posix.basename(file));
    else groups.set(path, [posix.basename(file)]);
  }
  return groups;
}

function fold(name: string): string {
  return name.normalize("NFC").toLowerCase();
}
