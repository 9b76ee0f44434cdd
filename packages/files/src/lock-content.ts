// The content of a lock file, and how it is created and read: `createLock`, `readLock`.
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
  /** Tells two locks of one process apart. Never used twice. */
  token: z.string().regex(/^[0-9a-f]+$/),
  /** Raised with each renewal, with a fixed number of digits: a renewal changes no other byte. */
  renewals: z.string().regex(/^\d{10}$/),
});
export type LockContent = z.infer<typeof lockContent>;

/** As an observer reads it. */
export interface FoundLock {
  /** Null: its maker was killed before it had written all of it. */
  readonly content: LockContent | null;
  readonly text: string;
}

/** A live process writes a lock in one call. Longer than this it is unfinished only when its maker was killed. */
const unfinishedMs = 1000;

/** False when the path exists. */
export async function createLock(path: string, content: LockContent): Promise<boolean> {
  try {
    await writeNewFile(path, textOf(content));
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

/** Null when there is no lock. @throws UserError for a file that is no lock */
export async function readLock(path: string): Promise<FoundLock | null> {
  const deadline = performance.now() + unfinishedMs;
  for (;;) {
    const text = await readText(path);
    if (text === null) return null;
    const content = contentIn(text);
    if (content !== null) return { content, text };
    if (!isUnfinished(text)) {
      throw new UserError(`${path}: not a lock that can be read; delete it if no process is using the folder`);
    }
    if (performance.now() >= deadline) return { content: null, text };
    await delay(20);
  }
}

export function contentIn(text: string): LockContent | null {
  try {
    return lockContent.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** What a kill or a loss of power leaves of a new lock: nothing, zeros, or its beginning. */
function isUnfinished(text: string): boolean {
  return /^[\s\0]*$/.test(text) || (text.startsWith('{"pid":') && !text.includes("}"));
}

export function textOf(content: LockContent): string {
  return `${JSON.stringify(content)}\n`;
}

export function renewalText(renewals: number): string {
  return String(renewals).padStart(10, "0");
}
