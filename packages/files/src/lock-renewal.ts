// Renews a lock file periodically with `keepRenewed`, so that other containers and machines see that it is held.
import { open } from "node:fs/promises";
import { hasCode } from "./error-code.js";
import { contentIn, type LockContent, renewalText, textOf } from "./lock-content.js";
import { writeAll } from "./write-all.js";

/**
 * Starts the renewals. They end when another process has taken the lock over; `onLost` is called then.
 * @returns a function that ends the renewals, and resolves when no renewal is in progress
 */
export function keepRenewed(
  path: string,
  content: LockContent,
  { renewMs, onLost }: { readonly renewMs: number; readonly onLost: ((error: Error) => void) | undefined },
): () => Promise<void> {
  let renewals = 0;
  let renewing: Promise<void> = Promise.resolve();
  const renew = async (): Promise<void> => {
    const isOurs = await renewOnce(path, { ...content, renewals: renewalText(++renewals) });
    if (isOurs) return;
    clearInterval(timer);
    onLost?.(new Error(`${path}: another process has taken the lock over while this one did not renew it`));
  };
  const timer = setInterval(() => {
    // An error of the file system may be temporary. The next renewal tries again.
    renewing = renewing.then(renew).catch(() => {});
  }, renewMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await renewing;
  };
}

/**
 * Writes into the same open file that it has read. A lock that replaces this file meanwhile is therefore not overwritten.
 * @returns false when the lock belongs to another process, or is absent
 */
async function renewOnce(path: string, content: LockContent): Promise<boolean> {
  try {
    const file = await open(path, "r+");
    try {
      if (contentIn(await file.readFile("utf8"))?.token !== content.token) return false;
      await writeAll(file, Buffer.from(textOf(content)), 0);
      return true;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}
