// Owns finding the images of a folder that no label file names: they are left out, and counted.
import { readdir } from "node:fs/promises";
import { join, posix } from "node:path";

const imageEndings = new Set([".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".bmp"]);

/** Images beside those that are named: in the same folders, by their ending. Names relative to `folder`, ascending. */
export async function imagesWithoutRow(folder: string, named: Iterable<string>): Promise<string[]> {
  const known = new Set(named);
  const folders = new Set([...known].map((file) => posix.dirname(file)));
  const found: string[] = [];
  for (const inside of folders) {
    const names = await readdir(join(folder, inside)).catch(() => []); // of an absent folder, each image is missing already
    for (const name of names) {
      const file = posix.join(inside, name);
      if (imageEndings.has(posix.extname(name).toLowerCase()) && !known.has(file)) found.push(file);
    }
  }
  return found.sort();
}
