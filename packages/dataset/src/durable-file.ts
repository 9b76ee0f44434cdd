// Owns putting a file in place whole or not at all: written beside, fsynced, renamed. Several processes may do so at once.
// What killed ones leave beside is known by its name, and removed.
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "./make-folder.js";

let filesBegun = 0;

/**
 * Runs `write` on a new file beside `path`, then puts it in `path`'s place. The later of two writers wins; who has the
 * earlier file open keeps reading it. What a failed or killed writer left behind is removed, at the latest by the next one.
 */
export async function replaceFile<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  await makeFolder(dirname(path));
  await removeLeftovers(path);
  const beside = `${ownName(path)}.${filesBegun++}.tmp`;
  try {
    const file = await open(beside, "wx+");
    let result: T;
    try {
      result = await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    await syncFolder(dirname(path));
    return result;
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What is being made for `path` by this process: the name says who makes it. Further parts of the name may follow. */
export function ownName(path: string): string {
  return `${path}.${hostname()}.${process.pid}`;
}

/** Removes what processes of this host that are gone were making for `path`, be it files or folders. */
export async function removeLeftovers(path: string): Promise<void> {
  const prefix = `${basename(path)}.${hostname()}.`;
  for (const name of await namesIn(dirname(path))) {
    const [, pid] = name.startsWith(prefix) ? (/^([1-9]\d*)(\.|$)/.exec(name.slice(prefix.length)) ?? []) : [];
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(join(dirname(path), name), { recursive: true, force: true });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"; // EPERM: it lives, and is somebody else's
  }
}
