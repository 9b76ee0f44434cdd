// `prepareOutputFolder` checks, before the work begins, that the finished folder can be renamed to the path that the user gave.
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { UserError } from "@lockstep/errors";
import { resolveLinks } from "@lockstep/files";

/**
 * @param flag the flag with which the path was given, for error messages: `--out`
 * @returns the absolute path without symbolic links: the link's target is written, and the link stays
 * @throws UserError if the path is a mount point: a folder cannot be renamed over one
 */
export async function prepareOutputFolder(flag: string, given: string): Promise<string> {
  const path = await resolveLinks(given);
  const [found, parent] = await Promise.all([deviceOf(path), deviceOf(dirname(path))]);
  if (found === null || found === parent) return path;
  throw new UserError(`${flag} ${given}: is a mount point, which cannot be replaced; name a folder in it`);
}

/** @returns null if the path does not exist */
async function deviceOf(path: string): Promise<number | null> {
  return stat(path).then(
    ({ dev }) => dev,
    () => null,
  );
}
