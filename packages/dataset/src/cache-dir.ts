// Finds the folder for caches with `defaultCacheDir`, and reports what keeps it from being written.
import { statfs } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { isMachineFault, MachineFault, UserError } from "@lockstep/errors";
import { type FileWriter, makeFolder, removeLeftovers, replaceFile } from "@lockstep/files";
import { mebibytes } from "./decode/image-limits.js";
import { liesInsideData } from "./inside-data.js";

/**
 * `$XDG_CACHE_HOME/lockstep`, else `~/.cache/lockstep`. A relative XDG_CACHE_HOME is ignored, as its specification demands.
 * @throws UserError where this user has no home folder
 */
export function defaultCacheDir(environment: { readonly XDG_CACHE_HOME?: string } = process.env): string {
  const base = environment.XDG_CACHE_HOME;
  return join(base && isAbsolute(base) ? base : join(homeFolder(), ".cache"), "lockstep");
}

/** OpenShift and `docker run --user` start processes whose user has no name: then only HOME tells the home folder. */
function homeFolder(): string {
  let home = "";
  try {
    home = homedir();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SYSTEM_ERROR") throw error; // what os.homedir is documented to throw
  }
  if (isAbsolute(home)) return home;
  throw new UserError(
    "no folder for decoded images: HOME is not set to a folder, and this user has none; name one (--cache-dir), or set XDG_CACHE_HOME",
  );
}

/** The data folder is the user's: nothing is written into it. */
export async function checkCacheOutside(cacheDir: string, data: string): Promise<void> {
  if (!(await liesInsideData(cacheDir, data))) return;
  throw new UserError(`cache folder ${cacheDir}: lies inside the data folder (${data}); choose another (--cache-dir)`);
}

/** Replaces a file of the cache. What dead processes were making in its folder is removed first: it takes room. */
export async function replaceInCache<T>(path: string, write: FileWriter<T>): Promise<T> {
  await makeFolder(dirname(path));
  await removeLeftovers(dirname(path));
  return replaceFile(path, write);
}

/** Refuses before the work what the disk could not hold after it. `what`: e.g. `22500 images at 64x64`. */
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

const mendable: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space or choose another folder",
  EDQUOT: "the disk quota is used up; free some space or choose another folder",
  EACCES: "permission denied; choose a folder that you may write to",
  EPERM: "permission denied; choose a folder that you may write to",
  EROFS: "the file system is read-only; choose another folder",
  EFBIG: "a file may not become so large there; choose another folder",
  ENOTDIR: "a part of that path is not a folder; choose another",
  EEXIST: "a part of that path is not a folder; choose another",
};

/** A UserError where the user can mend it, else the error itself. `neededBytes`: of what was written, where it is much. */
export function cacheFailure(error: unknown, cacheDir: string, neededBytes?: number): unknown {
  const { code, message } = error as NodeJS.ErrnoException; // only read where it is a system error
  const advice = code === undefined ? undefined : mendable[code];
  if (advice === undefined) return error;
  const needs = neededBytes === undefined ? "" : `, ${mebibytes(neededBytes)} are needed`;
  const line = `cache folder ${cacheDir}: ${advice} (--cache-dir)${needs}: ${message}`;
  return isMachineFault(error) ? new MachineFault(line) : new UserError(line);
}
