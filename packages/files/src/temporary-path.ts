// Makes a file or a folder under a temporary name with `withTemporaryPath`, and removes with `removeLeftovers` the temporary
// files of killed processes.
//
// A name is `.tmp-NAME-<pid>-<start ticks>-<pid space>-<random>`; no two processes make the same one. The process that made it
// (its owner) is known to be dead only when it belonged to this pid space. An owner in another container or machine may run:
// it touches the marker file `<name>.alive` while it works. A name that was not written to for ten minutes is a leftover.
import { randomBytes } from "node:crypto";
import { readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasCode } from "./error-code.js";
import { fileSystemTimeMs, unchangedForMs } from "./file-system-time.js";
import { livenessOf, type ProcessIdentity, thisProcess } from "./process-identity.js";

const defaultTouchMs = 30_000;
const abandonedAfterMs = 10 * 60_000;
const aliveSuffix = ".alive";
const pattern = /^\.tmp-.+-(\d+)-(\d+|x)-([0-9a-f]{16}|x)-[0-9a-f]{16}$/;

/** A new temporary path in the folder of `path`, for a file or a folder. */
export function temporaryPathFor(path: string, ownerProcess: ProcessIdentity = thisProcess()): string {
  const { pid, startTicks, pidSpace } = ownerProcess;
  const owner = `${pid}-${startTicks ?? "x"}-${pidSpace ?? "x"}`;
  return join(dirname(path), `.tmp-${basename(path)}-${owner}-${randomBytes(8).toString("hex")}`);
}

/**
 * Calls `make` with a new temporary path in the folder of `path`. `make` writes there and moves the result to its final path.
 * Other processes do not remove the temporary path while `make` runs. When `make` rejects, the temporary path is removed.
 * @param options.touchMs time between two touches of the marker file; for tests
 */
export async function withTemporaryPath<T>(
  path: string,
  make: (temporary: string) => Promise<T>,
  options: { readonly touchMs?: number } = {},
): Promise<T> {
  const temporary = temporaryPathFor(path);
  const marker = `${temporary}${aliveSuffix}`;
  let touches = 0;
  let touching: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    // After a failed touch the next one tries again. When the disk fails, the writes of `make` report it.
    touching = touching.then(() => writeFile(marker, `${touches++}\n`)).catch(() => {});
  }, options.touchMs ?? defaultTouchMs);
  timer.unref();
  try {
    return await make(temporary);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  } finally {
    clearInterval(timer);
    await touching;
    if (touches > 0) await rm(marker, { force: true });
  }
}

/**
 * Removes the temporary files and folders of dead processes from this folder. Does nothing when the folder is absent.
 * @param options.exclusive true when the caller holds the folder's lock: no process of another container or machine works
 *   there, so that what such a process left is removed at once
 */
export async function removeLeftovers(folder: string, options: { readonly exclusive?: boolean } = {}): Promise<void> {
  let nowMs: number | undefined;
  for (const name of await namesIn(folder)) {
    const base = name.endsWith(aliveSuffix) ? name.slice(0, -aliveSuffix.length) : name;
    const owner = ownerOf(base);
    if (owner === null) continue;
    const liveness = livenessOf(owner);
    if (liveness === "alive") continue;
    if (liveness === "unknown" && options.exclusive !== true) {
      nowMs ??= await fileSystemTimeMs(folder);
      const ageMs = await unchangedForMs(nowMs, [join(folder, base), join(folder, `${base}${aliveSuffix}`)]);
      if (ageMs === null || ageMs < abandonedAfterMs) continue;
    }
    await removeOne(join(folder, name));
  }
}

/** Ignores a leftover that cannot be removed, for example one of another user. It does no harm. */
async function removeOne(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!hasCode(error, "EACCES", "EPERM", "EBUSY", "ENOTEMPTY")) throw error;
  }
}

function ownerOf(name: string): ProcessIdentity | null {
  const [, pid, startTicks, pidSpace] = pattern.exec(name) ?? [];
  if (pid === undefined) return null;
  const known = (part: string | undefined): string | null => (part === undefined || part === "x" ? null : part);
  return { pid: Number(pid), startTicks: known(startTicks), pidSpace: known(pidSpace) };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
