// Takes a lock file with `acquireLock`: one process at a time holds it, also among containers and machines that share a
// file system.
//
// The file names its holder and is renewed by it every few seconds. States of a lock that exists:
//   held       its holder's process runs (same pid space), or the file is being renewed (another container or machine)
//   abandoned  its holder's process has ended (same pid space), or the file was not renewed for `staleMs`
// An abandoned lock is taken over: at once in the same pid space, else after a wait that shows that nobody renews it.
// Nothing but exclusive creation and renaming is used, as many file systems have no hard links.
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
  readonly renewMs: number;
  /** Without a renewal for this long, a lock is abandoned. */
  readonly staleMs: number;
}

/** As the leader election of Kubernetes: a lease of 15 s. */
const defaultTimes: LockTimes = { renewMs: 3000, staleMs: 15_000 };

export interface LockOptions {
  /** Ends waiting. */
  readonly signal?: AbortSignal;
  /** Called once when it must wait to see whether a holder in another container or machine still renews the lock. */
  readonly onWait?: (message: string) => void;
  /** Called once when another process has taken the lock over, as this one was stopped for too long. */
  readonly onLost?: (error: Error) => void;
  /** For tests. All processes that use one lock must agree. */
  readonly times?: LockTimes;
}

export interface LockFile {
  readonly path: string;
  /** The dead process that held the lock; null when there was no lock, or an unfinished one. */
  readonly tookOverFrom: ProcessIdentity | null;
  /** May be called again. Leaves the file alone if it has become another process's. */
  release(): Promise<void>;
}

const maxAttempts = 10;
const pollMs = 200;

/**
 * Takes the lock, and removes what dead processes left half-made in its folder. Makes the folder.
 * @throws UserError that names the process that holds the lock
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

/** Who holds the lock, without waiting; null when nobody does. @throws UserError for a file that is no lock */
export async function readLockHolder(path: string): Promise<LockHolder | null> {
  const content = (await readLock(path))?.content;
  if (!content) return null;
  const liveness = livenessOf(content);
  if (liveness === "dead" || (liveness === "unknown" && !(await isFresh(path)))) return null;
  return { pid: content.pid, host: content.host };
}

/** By this machine's clock where the folder cannot be written: then it is an estimate. */
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

/** @returns the dead process that it was taken from; null when there was no whole lock */
async function take(attempt: Attempt): Promise<ProcessIdentity | null> {
  const { path } = attempt;
  for (let i = 1; i <= maxAttempts; i++) {
    if (await createLock(path, attempt.content)) return null;
    const found = await readLock(path);
    if (found === null || !(await isAbandoned(path, found, attempt))) continue;
    if (await takeOver(attempt, found)) return found.content === null ? null : identityOf(found.content);
  }
  throw new UserError(`${dirname(path)}: its lock keeps changing hands (${path}); other processes are starting there`);
}

/**
 * Replaces an abandoned lock. Of several processes that find it, one succeeds: the one that makes the claim named by the
 * abandoned lock's token. An abandoned claim is passed on in the same way. While a process holds the last claim and the
 * lock still has that token, nobody else may replace it. No token comes twice: a claim that is made too late finds another
 * token in the lock, and is given up.
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

/** For the new holder: no claim that exists now can succeed any more. */
async function removeClaims(path: string): Promise<void> {
  const prefix = `${basename(path)}.claim-`;
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(prefix)) await rm(join(dirname(path), name), { force: true });
  }
}

/**
 * False when the lock has changed hands meanwhile.
 * @throws UserError when it is held
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

/** Waits until the lock has changed, or was not renewed for long enough. @returns the lock as it is then */
async function waitForRenewal(path: string, found: FoundLock, attempt: Attempt): Promise<FoundLock | null> {
  const { times, signal, onWait } = attempt;
  const ageMs = (await unchangedForMs(await fileSystemTimeMs(dirname(path)), [path])) ?? 0;
  // At least one whole period of renewals is watched: after an outage of a file server every lock looks old.
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
