// Takes a lock file with `acquireLock`. One process at a time holds it, also among containers and machines that share a file
// system.
//
// The file names its holder, and the holder renews it every few seconds. A lock file that exists has one of two states:
//   held       the holder's process runs (same pid space), or the file is being renewed (another container or machine)
//   abandoned  the holder's process has ended (same pid space), or the file was not renewed for `staleMs`
// A process takes an abandoned lock over: at once in the same pid space, otherwise after a wait in which nobody renewed it.
// Only exclusive creation and renaming are used, because many file systems have no hard links.
import { randomBytes } from "node:crypto";
import { readdir, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@lockstep/errors";
import { fileSystemTimeMs, unchangedForMs } from "./file-system-time.js";
import { createLock, type FoundLock, type LockContent, readLock, renewalText } from "./lock-content.js";
import { keepRenewed } from "./lock-renewal.js";
import { makeFolder } from "./make-folder.js";
import { type Liveness, livenessOf, type ProcessIdentity, thisProcess } from "./process-identity.js";
import { removeLeftovers } from "./temporary-path.js";

export interface LockTimes {
  /** Time between two renewals. */
  readonly renewMs: number;
  /** A lock that was not renewed for this long is abandoned. */
  readonly staleMs: number;
}

/** The leader election of Kubernetes has a lease of 15 s, too. */
const defaultTimes: LockTimes = { renewMs: 3000, staleMs: 15_000 };

export interface LockOptions {
  /** When it is aborted, acquireLock stops waiting and rejects. */
  readonly signal?: AbortSignal;
  /** Called once when acquireLock must wait to see whether a holder in another container or machine still renews the lock. */
  readonly onWait?: (message: string) => void;
  /** Called once when another process has taken the lock over, because this process was stopped for too long. */
  readonly onLost?: (error: Error) => void;
  /** For tests. All processes that use one lock must have the same times. */
  readonly times?: LockTimes;
}

export interface LockFile {
  readonly path: string;
  /** The dead process that held the lock before; null when there was no lock, or an unfinished one. */
  readonly tookOverFrom: ProcessIdentity | null;
  /** Removes the lock, unless another process has taken it over. Further calls do nothing. */
  release(): Promise<void>;
}

const maxAttempts = 10;
const pollMs = 200;

/**
 * Creates the folder if it is absent, takes the lock, and removes temporary files that dead processes left in the folder.
 * @throws UserError if a process holds the lock; it names the process
 */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<LockFile> {
  const { signal, onWait, onLost, times = defaultTimes } = options;
  const content: LockContent = {
    ...thisProcess(),
    host: hostname(),
    token: randomBytes(8).toString("hex"),
    renewals: renewalText(0),
  };
  await makeFolder(dirname(path));
  const attempt: Attempt = { path, content, times, signal, onWait };
  const tookOverFrom = await take(attempt);
  const stopRenewing = keepRenewed(path, content, { renewMs: times.renewMs, onLost });
  await removeLeftovers(dirname(path));
  return {
    path,
    tookOverFrom,
    async release() {
      await stopRenewing();
      if ((await readLock(path))?.content?.token === content.token) await rm(path, { force: true });
    },
  };
}

export interface LockHolder {
  readonly pid: number;
  readonly host: string;
}

/**
 * Reads who holds the lock, without waiting.
 * @returns null when nobody holds it
 * @throws UserError if the file is not a lock
 */
export async function readLockHolder(path: string): Promise<LockHolder | null> {
  const content = (await readLock(path))?.content;
  if (!content) return null;
  const liveness = livenessOf(content);
  if (liveness === "dead" || (liveness === "unknown" && !(await isFresh(path)))) return null;
  return { pid: content.pid, host: content.host };
}

/** Uses this machine's clock when the folder cannot be written; the result is an estimate then. */
async function isFresh(path: string): Promise<boolean> {
  const nowMs = await fileSystemTimeMs(dirname(path)).catch(() => Date.now());
  const ageMs = await unchangedForMs(nowMs, [path]);
  return ageMs !== null && ageMs < defaultTimes.staleMs;
}

interface Attempt {
  readonly path: string;
  readonly content: LockContent;
  readonly times: LockTimes;
  readonly signal: AbortSignal | undefined;
  readonly onWait: ((message: string) => void) | undefined;
}

/** @returns the dead process that held the lock before; null when there was no whole lock */
async function take(attempt: Attempt): Promise<ProcessIdentity | null> {
  const { path } = attempt;
  for (let i = 1; i <= maxAttempts; i++) {
    if (await createLock(path, attempt.content)) return null;
    const found = await readLock(path);
    if (found === null || !(await isAbandoned(path, found, attempt))) continue;
    if (await takeOver(attempt, found)) return found.content === null ? null : identityOf(found.content);
  }
  throw new UserError(
    `${dirname(path)}: other processes took its lock (${path}) ${maxAttempts} times meanwhile; try again when they have ended`,
  );
}

/**
 * Replaces an abandoned lock. When several processes find it, one succeeds: the one that creates the claim file, whose name
 * contains the abandoned lock's token. An abandoned claim is taken over in the same way, by a claim on the claim. While a
 * process holds the last claim and the lock still has that token, no other process may replace the lock. Every token is
 * new, so a process that creates its claim too late finds another token in the lock, and removes its claim.
 */
async function takeOver(attempt: Attempt, former: FoundLock): Promise<boolean> {
  const { path, content } = attempt;
  let claim = claimPath(path, former);
  while (!(await createLock(claim, content))) {
    const other = await readLock(claim);
    if (other === null || !(await isAbandoned(claim, other, attempt))) return false;
    claim = claimPath(path, other);
  }
  if (tokenOf(await readLock(path)) !== tokenOf(former)) {
    await rm(claim, { force: true });
    return false;
  }
  await rename(claim, path);
  await removeClaims(path);
  return true;
}

function claimPath(path: string, former: FoundLock): string {
  return `${path}.claim-${tokenOf(former)}`;
}

function tokenOf(found: FoundLock | null): string | null {
  return found === null ? null : (found.content?.token ?? "unfinished");
}

/** The new holder calls this: no claim that exists now can succeed any more. */
async function removeClaims(path: string): Promise<void> {
  const prefix = `${basename(path)}.claim-`;
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(prefix)) await rm(join(dirname(path), name), { force: true });
  }
}

/**
 * @returns false when the lock was removed or replaced meanwhile
 * @throws UserError if the lock is held
 */
async function isAbandoned(path: string, found: FoundLock, attempt: Attempt): Promise<boolean> {
  const liveness: Liveness = found.content === null ? "unknown" : livenessOf(found.content);
  if (liveness === "dead") return true;
  if (liveness === "alive") throw inUse(path, found);
  const later = await waitForRenewal(path, found, attempt);
  if (later?.text === found.text) return true;
  if (tokenOf(later) === tokenOf(found)) throw inUse(path, found);
  return false;
}

function inUse(path: string, { content }: FoundLock): UserError {
  const where = content === null || content.pidSpace === thisProcess().pidSpace ? "" : ` on host ${content.host}`;
  const who = content === null ? "another process" : `process ${content.pid}${where}`;
  return new UserError(`${dirname(path)}: in use by ${who} (${path}); stop it, or choose another folder`);
}

/** Waits until the lock has changed, or was not renewed for `staleMs`. @returns the lock as it is then */
async function waitForRenewal(path: string, found: FoundLock, attempt: Attempt): Promise<FoundLock | null> {
  const { times, signal, onWait } = attempt;
  const ageMs = (await unchangedForMs(await fileSystemTimeMs(dirname(path)), [path])) ?? 0;
  // It waits for more than one renewal period at least: after an outage of a file server every lock looks old.
  const waitMs = Math.max(times.staleMs - ageMs, 1.5 * times.renewMs);
  const host = found.content === null ? "" : ` of process ${found.content.pid} on host ${found.content.host}`;
  onWait?.(`waiting up to ${Math.ceil(waitMs / 1000)} s to see whether the lock${host} is still in use (${path})`);
  const deadline = performance.now() + waitMs;
  let later: FoundLock | null = found;
  while (later?.text === found.text && performance.now() < deadline) {
    await delay(Math.min(pollMs, times.renewMs), undefined, { signal });
    later = await readLock(path);
  }
  return later;
}

function identityOf({ pid, startTicks, pidSpace }: LockContent): ProcessIdentity {
  return { pid, startTicks, pidSpace };
}
