// Checks whether a path is inside the user's data, where Lockstep writes nothing (liesInsideData).
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { isPathInside, resolveLinks } from "@lockstep/files";

/** Files that contain their images. Other files of the same folder are not part of the data. */
const container = /\.(parquet|tar)$/i;

/**
 * Whether `path` is inside the data. `path` need not exist. If the data is a file that names its images (a .csv file),
 * the data is the folder of that file, because the images are there.
 */
export async function liesInsideData(path: string, data: string): Promise<boolean> {
  const named = await resolveLinks(data);
  const namesOthers = await stat(named).then(
    (stats) => !stats.isDirectory() && !container.test(named),
    () => false, // If the file is absent, the code that opens the data reports it.
  );
  return isPathInside(path, namesOthers ? dirname(named) : named);
}
