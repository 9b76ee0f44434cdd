// Gives a name to what is being made beside its final place with `withTemporaryPath`, and removes with `removeLeftovers`
// what killed processes left under such names.
//
// A name is `.tmp-NAME-<pid>-<start ticks>-<pid space>-<random>`. Two processes never make the same one. Its maker is dead
// for certain only when it belonged to this pid space. Of makers in other containers and on other machines nothing is known:
// they touch a file `<name>.alive` as long as they work, and what was not written to for ten minutes is a leftover.
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

/** A fresh path in the same folder, for a file or a folder. */
export function temporaryPathFor(path: string, maker: ProcessIdentity = thisProcess()): string {
  const { pid, startTicks, pidSpace } = maker;
  const owner = `${pid}-${startTicks ?? "x"}-${pidSpace ?? "x"}`;
  return join(dirname(path), `.tmp-${basename(path)}-${owner}-${randomBytes(8).toString("hex")}`);
}

/**
 * Calls `make` with a fresh path beside `path`, which other processes leave alone as long as it works. `make` moves what it
 * made to its final place. After an error what it made is removed.
 * @param options.touchMs time between two signs of life; for tests
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
    // A failed touch is tried again by the next one. A disk that fails is reported by the writes themselves.
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
 * Removes what dead processes were making in this folder. An absent folder has none.
 * @param options.exclusive the caller holds the folder's lock: no process of another container or machine works there
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

/** What another user's process left may be impossible to remove. It disturbs nobody. */
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
