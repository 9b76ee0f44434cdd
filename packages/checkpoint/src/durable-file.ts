// Owns writing a file so that a reader finds the old content or the new, never a part: beside, then renamed. The
// durable kinds outlive a loss of power as well: file and folder are fsynced.
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isAlive } from "./process-identity.js";

let written = 0;

/** Replaces `path`; when this resolves, the bytes are on the disk. */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await replaceFile(path, { bytes, durable: true });
}

/** Replaces `path` with indented JSON; when this resolves, it is on the disk. */
export async function writeJsonDurably(path: string, value: unknown): Promise<void> {
  await replaceFile(path, { bytes: jsonBytes(value), durable: true });
}

/** Replaces `path` with indented JSON, at once for readers, but without waiting for the disk: for what is soon stale. */
export async function replaceJson(path: string, value: unknown): Promise<void> {
  await replaceFile(path, { bytes: jsonBytes(value), durable: false });
}

export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

async function replaceFile(
  path: string,
  content: { readonly bytes: Uint8Array; readonly durable: boolean },
): Promise<void> {
  const beside = pathBeside(path);
  try {
    const file = await open(beside, "wx");
    try {
      await file.writeFile(content.bytes);
      if (content.durable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  if (content.durable) await syncFolder(dirname(path));
}

/** A fresh name in the same folder, which tells whose it is: removeLeftovers() knows it by that. */
export function pathBeside(path: string): string {
  return join(dirname(path), `.tmp-${basename(path)}-${process.pid}-${written++}`);
}

/** Removes the files that killed processes left beside the ones they were writing in this folder. */
export async function removeLeftovers(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const [, pid] = /^\.tmp-.+-(\d+)-\d+$/.exec(name) ?? [];
    if (pid === undefined || isAlive({ pid: Number(pid), bootId: null, startTicks: null })) continue;
    await rm(join(dir, name), { force: true });
  }
}

/** Makes the folder's own entries (a rename, a new file) durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** For a thread that may block: writes a new file and waits for the disk. */
export function writeNewFileSync(path: string, bytes: Uint8Array): void {
  const file = openSync(path, "wx");
  try {
    for (let done = 0; done < bytes.byteLength; ) done += writeSync(file, bytes, done);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** For a thread that may block: syncFolder. */
export function syncFolderSync(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
