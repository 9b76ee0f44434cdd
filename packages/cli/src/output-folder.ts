// `prepareOutputFolder` checks, before the work begins, that a folder which is made beside and renamed can get the name that a user has
// given.
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { UserError } from "@lockstep/errors";
import { resolveLinks } from "@lockstep/files";

/**
 * @param flag by which the user has given the path, for complaints: `--out`
 * @returns the absolute path without symbolic links: the folder that a link leads to is written, and the link stays
 * @throws UserError for a mount point, as a folder cannot be renamed over one
 */
export async function prepareOutputFolder(flag: string, given: string): Promise<string> {
  const path = await resolveLinks(given);
  const [found, parent] = await Promise.all([deviceOf(path), deviceOf(dirname(path))]);
  if (found === null || found === parent) return path;
  throw new UserError(`${flag} ${given}: is a mount point, which cannot be replaced; name a folder in it`);
}

/** Null where nothing is there. */
async function deviceOf(path: string): Promise<number | null> {
  return stat(path).then(
    ({ dev }) => dev,
    () => null,
  );
}
