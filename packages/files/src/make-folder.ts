// Makes a folder and the folders above it with `makeFolder`. It replaces Node's recursive `mkdir`, which never returns when
// the file system reports ENOENT although the parent folder exists, as /proc does.
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { UserError } from "@lockstep/errors";
import { hasCode } from "./error-code.js";

/**
 * @param options.mode permissions of the folders that are made; default: 0o777 without the bits of the process's umask
 * @returns true when the folder was made, false when it existed
 * @throws UserError if the file system allows no new folders
 */
export async function makeFolder(path: string, options: { readonly mode?: number } = {}): Promise<boolean> {
  const parent = dirname(path);
  try {
    return await makeOne(path, options);
  } catch (error) {
    if (!hasCode(error, "ENOENT") || parent === path) throw error;
  }
  await makeFolder(parent, options);
  try {
    return await makeOne(path, options);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    throw new UserError(`no folder can be made in ${parent}; choose another folder`);
  }
}

async function makeOne(path: string, options: { readonly mode?: number }): Promise<boolean> {
  try {
    await mkdir(path, options);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST") && (await isFolder(path))) return false;
    throw error;
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
