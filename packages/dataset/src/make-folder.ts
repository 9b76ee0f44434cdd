// Owns making a folder with those above it. Node's `mkdir` with `recursive` never ends where a file system answers "no such
// folder" for one whose parent is there, as /proc does.
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { UserError } from "@lockstep/errors";

/** @returns whether it was made; false when it was there. @throws UserError where none can be made */
export async function makeFolder(path: string): Promise<boolean> {
  const parent = dirname(path);
  try {
    return await makeOne(path);
  } catch (error) {
    if (!isMissing(error) || parent === path) throw error;
  }
  await makeFolder(parent);
  try {
    return await makeOne(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new UserError(`no folder can be made in ${parent}; choose another place`);
  }
}

async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === "EEXIST" && (await isFolder(path));
    if (isThere) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
