// Renews a lock file with `keepRenewed` as long as its holder works, so that other containers and machines see that it is held.
import { open } from "node:fs/promises";
import { hasCode } from "./error-code.js";
import { contentIn, type LockContent, renewalText, textOf } from "./lock-content.js";
import { writeAll } from "./write-all.js";

/** @returns a function that ends the renewals, and resolves when none is under way */
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
    // An error of the file system may pass. The next renewal tries again.
    renewing = renewing.then(renew).catch(() => {});
  }, renewMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await renewing;
  };
}

/** Writes into the file that it has read, so that a lock which replaces it meanwhile is not overwritten. */
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
