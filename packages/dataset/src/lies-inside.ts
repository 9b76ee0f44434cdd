// Owns whether a path lies inside the user's data, where nothing may be written. Links are followed on both sides.
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, relative, resolve, sep } from "node:path";

/** Files that hold their images themselves: what lies beside them is no part of the data. */
const container = /\.(parquet|tar)$/i;

/** `path` may be absent. Where the data is a file that names its images, its folder counts: they lie there. */
export async function liesInside(path: string, data: string): Promise<boolean> {
  const [inner, named] = await Promise.all([withoutLinks(resolve(path)), withoutLinks(resolve(data))]);
  const namesOthers = await stat(named).then(
    (stats) => !stats.isDirectory() && !container.test(named),
    () => false, // absent: whoever opens it complains
  );
  const steps = relative(namesOthers ? dirname(named) : named, inner).split(sep);
  return steps[0] !== "..";
}

/** Of an absent path, the nearest parent that is there counts. */
async function withoutLinks(path: string): Promise<string> {
  const parent = dirname(path);
  try {
    return await realpath(path);
  } catch (error) {
    if (parent === path) throw error;
    return resolve(await withoutLinks(parent), basename(path));
  }
}
