// Checks with `liesInsideData` whether a path is inside the user's data, where Lockstep writes nothing.
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { liesInside, resolveLinks } from "@lockstep/files";

/** Files that hold their images themselves. What is beside them is no part of the data. */
const container = /\.(parquet|tar)$/i;

/** `path` may be absent. Where the data is a file that names its images, its folder counts: the images are there. */
export async function liesInsideData(path: string, data: string): Promise<boolean> {
  const named = await resolveLinks(data);
  const namesOthers = await stat(named).then(
    (stats) => !stats.isDirectory() && !container.test(named),
    () => false, // absent: whoever opens the data reports it
  );
  return liesInside(path, namesOthers ? dirname(named) : named);
}
