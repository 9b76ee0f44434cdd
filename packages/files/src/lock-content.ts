// Creates a lock file with `createLock` and reads one with `readLock`; defines the file's content, `LockContent`.
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@lockstep/errors";
import { z } from "zod";
import { hasCode } from "./error-code.js";
import { readText } from "./json-file.js";
import { writeNewFile } from "./replace-file.js";

const lockContent = z.strictObject({
  pid: z.number().int().positive(),
  startTicks: z.string().nullable(),
  pidSpace: z.string().nullable(),
  host: z.string(),
  /** Distinguishes two locks of one process. Each lock has a new token. */
  token: z.string().regex(/^[0-9a-f]+$/),
  /** Number of renewals. It has a fixed number of digits, so that a renewal changes no other byte. */
  renewals: z.string().regex(/^\d{10}$/),
});
export type LockContent = z.infer<typeof lockContent>;

/** A lock file as another process reads it. */
export interface FoundLock {
  /** Null when the process that created the file was killed before it had written all of it. */
  readonly content: LockContent | null;
  readonly text: string;
}

/** A process writes a lock in one call. A lock that is unfinished for longer than this belongs to a killed process. */
const unfinishedMs = 1000;

/** Creates the lock file. @returns false when the path exists already */
export async function createLock(path: string, content: LockContent): Promise<boolean> {
  try {
    await writeNewFile(path, textOf(content));
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

/**
 * Reads the lock file. Waits up to a second for an unfinished one to be completed.
 * @returns null when there is no file
 * @throws UserError if the file is not a lock
 */
export async function readLock(path: string): Promise<FoundLock | null> {
  const deadline = performance.now() + unfinishedMs;
  for (;;) {
    const text = await readText(path);
    if (text === null) return null;
    const content = contentIn(text);
    if (content !== null) return { content, text };
    if (!isUnfinished(text)) {
      throw new UserError(`${path}: is not a lock file of Lockstep; delete it if no process is using the folder`);
    }
    if (performance.now() >= deadline) return { content: null, text };
    await delay(20);
  }
}

/** Null when the text is not a whole lock. */
export function contentIn(text: string): LockContent | null {
  try {
    return lockContent.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** After a kill or a power failure a new lock can be empty, full of zeros, or cut off. */
function isUnfinished(text: string): boolean {
  return /^[\s\0]*$/.test(text) || (text.startsWith('{"pid":') && !text.includes("}"));
}

export function textOf(content: LockContent): string {
  return `${JSON.stringify(content)}\n`;
}

export function renewalText(renewals: number): string {
  return String(renewals).padStart(10, "0");
}
