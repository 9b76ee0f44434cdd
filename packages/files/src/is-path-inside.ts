// Checks with `isPathInside` whether a path is in a folder. It follows the symbolic links of both.
import { realpath } from "node:fs/promises";
import { basename, dirname, relative, resolve, sep } from "node:path";

/** Whether `path` is the folder itself or is below it. Neither has to exist. */
export async function isPathInside(path: string, folder: string): Promise<boolean> {
  const [inner, outer] = await Promise.all([resolveLinks(path), resolveLinks(folder)]);
  return relative(outer, inner).split(sep)[0] !== "..";
}

/** The absolute path without symbolic links. When the path is absent, the links of its nearest existing parent are followed. */
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
