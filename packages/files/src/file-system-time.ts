// Measures with `unchangedForMs` how long ago a file was written, by the clock of its file system (`fileSystemTimeMs`).
// Machines that share a network file system have different clocks, so this machine's clock is not used.
import { randomBytes } from "node:crypto";
import { open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "./error-code.js";

/** Writes a file into the folder and returns the time that the file system gave it, in milliseconds since 1970. */
export async function fileSystemTimeMs(folder: string): Promise<number> {
  const path = join(folder, `.tmp-clock-${randomBytes(8).toString("hex")}`);
  const file = await open(path, "wx");
  try {
    await file.writeFile("now");
    await file.sync();
    return (await file.stat()).mtimeMs;
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

/**
 * @param nowMs the file system's time now, see fileSystemTimeMs
 * @returns milliseconds since the newest of the paths was written; null when none of them exists
 */
export async function unchangedForMs(nowMs: number, paths: readonly string[]): Promise<number | null> {
  const times: number[] = [];
  for (const path of paths) {
    try {
      times.push((await stat(path)).mtimeMs);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
  }
  return times.length === 0 ? null : Math.max(0, nowMs - Math.max(...times));
}
