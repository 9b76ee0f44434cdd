// Finds the images of a folder that no row of the label files names (imagesWithoutRow). They are left out and counted.
import { readdir, realpath } from "node:fs/promises";
import { join, posix } from "node:path";

const imageEnding = /\.(jpe?g|png|webp|gif|tiff?|avif|heic|bmp)$/i;

export function isImageName(name: string): boolean {
  return imageEnding.test(name);
}

/**
 * Lists the images that are in the same folders as the named images and are not named. Images are recognised by their
 * ending. The returned names are relative to `folder`, ascending. Several paths may lead to one folder (links), and a
 * file system may ignore letter case and Unicode form: an image counts as named even if its path is written in such
 * another way.
 * @param named paths relative to `folder`
 */
export async function imagesWithoutRow(folder: string, named: readonly string[]): Promise<string[]> {
  const byFolder = new Map<string, { readonly path: string; readonly names: Set<string> }>();
  for (const [path, names] of groupByFolder(named)) {
    // If the folder is absent, each of its images is already reported as missing.
    const real = await realpath(join(folder, path)).catch(() => null);
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
