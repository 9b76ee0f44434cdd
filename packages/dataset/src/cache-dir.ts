// Finds the cache folder (defaultCacheDir), writes files into it, and turns failures to write there into messages.
import { statfs } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { isMachineFault, MachineFault, UserError } from "@lockstep/errors";
import { type FileWriter, makeFolder, removeLeftovers, replaceFile } from "@lockstep/files";
import { mebibytes } from "./decode/image-limits.js";
import { liesInsideData } from "./inside-data.js";

/**
 * Returns `$XDG_CACHE_HOME/lockstep`, or `~/.cache/lockstep` where the variable is not set. A relative XDG_CACHE_HOME
 * is ignored, as the XDG Base Directory Specification requires.
 * @throws UserError if this user has no home folder
 */
export function defaultCacheDir(environment: { readonly XDG_CACHE_HOME?: string } = process.env): string {
  const base = environment.XDG_CACHE_HOME;
  return join(base && isAbsolute(base) ? base : join(homeFolder(), ".cache"), "lockstep");
}

/**
 * OpenShift and `docker run --user` start processes under a user ID that has no account: then only HOME gives the home
 * folder.
 */
function homeFolder(): string {
  let home = "";
  try {
    home = homedir();
  } catch (error) {
    // ERR_SYSTEM_ERROR is the documented error of os.homedir.
    if ((error as NodeJS.ErrnoException).code !== "ERR_SYSTEM_ERROR") throw error;
  }
  if (isAbsolute(home)) return home;
  throw new UserError(
    "no folder for decoded images: HOME is not set to a folder, and this user has none; name one (--cache-dir), or set XDG_CACHE_HOME",
  );
}

/**
 * Nothing is written into the data folder, because it belongs to the user.
 * @throws UserError if the cache folder is inside the data folder
 */
export async function checkCacheOutside(cacheDir: string, data: string): Promise<void> {
  if (!(await liesInsideData(cacheDir, data))) return;
  throw new UserError(
    `cache folder ${cacheDir}: is inside the data folder (${data}); choose another folder (--cache-dir)`,
  );
}

/**
 * Replaces a file of the cache. It first removes unfinished files of processes that have ended, to free their disk
 * space.
 */
export async function replaceInCache<T>(path: string, write: FileWriter<T>): Promise<T> {
  await makeFolder(dirname(path));
  await removeLeftovers(dirname(path));
  return replaceFile(path, write);
}

/**
 * Checks before the work that the disk has room for its result.
 * @param what describes the result, e.g. `22500 images at 64x64`
 * @throws MachineFault if fewer than `neededBytes` are free
 */
export async function checkFreeSpace(cacheDir: string, neededBytes: number, what: string): Promise<void> {
  await makeFolder(cacheDir);
  const { bavail, bsize } = await statfs(cacheDir);
  const freeBytes = bavail * bsize;
  if (neededBytes <= freeBytes) return;
  throw new MachineFault(
    `cache folder ${cacheDir}: ${what} need ${mebibytes(neededBytes)}, ${mebibytes(freeBytes)} are free; ` +
      "free some space or choose another folder (--cache-dir)",
  );
}

const adviceByCode: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space or choose another folder",
  EDQUOT: "the disk quota is used up; free some space or choose another folder",
  EACCES: "permission denied; choose a folder that you may write to",
  EPERM: "permission denied; choose a folder that you may write to",
  EROFS: "the file system is read-only; choose another folder",
  EFBIG: "the file would be larger than a file may be there; choose another folder",
  ENOTDIR: "a part of that path is not a folder; choose another path",
  EEXIST: "a part of that path is not a folder; choose another path",
};

/**
 * Turns a failure to write into the cache folder into a message with advice. Returns other errors unchanged.
 * @param neededBytes size of the file that was written; the message names it
 */
export function cacheFailure(error: unknown, cacheDir: string, neededBytes?: number): unknown {
  const { code, message } = error as NodeJS.ErrnoException; // only read where it is a system error
  const advice = code === undefined ? undefined : adviceByCode[code];
  if (advice === undefined) return error;
  const needs = neededBytes === undefined ? "" : `, ${mebibytes(neededBytes)} are needed`;
  const line = `cache folder ${cacheDir}: ${advice} (--cache-dir)${needs}: ${message}`;
  return isMachineFault(error) ? new MachineFault(line) : new UserError(line);
}
