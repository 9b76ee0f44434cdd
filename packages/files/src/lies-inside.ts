// Checks with `liesInside` whether a path is in a folder. Symbolic links are followed on both sides.
import { realpath } from "node:fs/promises";
import { basename, dirname, relative, resolve, sep } from "node:path";

/** Whether `path` is the folder or anything below it. Both may be absent. */
export async function liesInside(path: string, folder: string): Promise<boolean> {
  const [inner, outer] = await Promise.all([resolveLinks(path), resolveLinks(folder)]);
  return relative(outer, inner).split(sep)[0] !== "..";
}

/** The absolute path without symbolic links. Of an absent path, the links of its nearest existing parent are followed. */
export async function resolveLinks(path: string): Promise<string> {
  const absolute = resolve(path);
  const parent = dirname(absolute);
  try {
    return await realpath(absolute);
  } catch (error) {
    if (parent === absolute) throw error;
    return resolve(await resolveLinks(parent), basename(absolute));
  }
}
