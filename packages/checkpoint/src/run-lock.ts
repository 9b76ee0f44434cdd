// Owns `OUT/lock`: one process leads a run. A lock names its owner, so that a dead owner's is recognised and taken over.
import { randomBytes } from "node:crypto";
import { link, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UserError } from "@lockstep/errors";
import { z } from "zod";
import { jsonBytes, pathBeside, removeLeftovers, writeDurably } from "./durable-file.js";
import { isAlive, type ProcessIdentity, thisProcess } from "./process-identity.js";

const lockContent = z.strictObject({
  pid: z.number().int().positive(),
  bootId: z.string().nullable(),
  startTicks: z.string().nullable(),
  /** Tells two locks of one process apart; never used twice. */
  token: z.string().regex(/^[0-9a-f]+$/),
});
type LockContent = z.infer<typeof lockContent>;

export interface RunLock {
  readonly path: string;
  /** The dead process whose lock this was; null when the run was not locked. */
  readonly tookOverFrom: ProcessIdentity | null;
  /** Idempotent; leaves the file alone if it has become somebody else's. */
  release(): Promise<void>;
}

const maxAttempts = 10;

/**
 * Takes the run's lock, and removes the half-written files that dead processes left in the run's folder.
 * @param out the run's folder, made if it is not there
 * @param options.name file name of the lock; default `lock`. A second one is for a second role that must be alone too.
 * @throws UserError that names the pid of the live owner
 */
export async function acquireRunLock(out: string, options: { readonly name?: string } = {}): Promise<RunLock> {
  const path = join(out, options.name ?? "lock");
  const content: LockContent = { ...thisProcess(), token: randomBytes(8).toString("hex") };
  const beside = pathBeside(path);
  await mkdir(out, { recursive: true });
  await writeDurably(beside, jsonBytes(content));
  try {
    const tookOverFrom = await take({ out, path, beside });
    await removeLeftovers(out);
    return { path, tookOverFrom, release: () => release(path, content) };
  } finally {
    await rm(beside, { force: true });
  }
}

interface Place {
  readonly out: string;
  readonly path: string;
  /** Holds this process' lock, to be linked into place. */
  readonly beside: string;
}

/** Returns the dead process that it was taken from; null when there was no lock. */
async function take(place: Place): Promise<ProcessIdentity | null> {
  const { out, path, beside } = place;
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    if (await linkNew(beside, path)) return null;
    const owner = await readLock(path);
    if (owner === null) continue;
    assertDead(owner, { out, path });
    if (await takeOver(place, owner)) return identityOf(owner);
  }
  throw new UserError(`${out}: its lock keeps changing hands (${path}); other processes are starting there`);
}

/**
 * Replaces the lock of a dead owner. Of several processes that find it, one goes on: the one that makes the claim named
 * by the dead lock's token. A claim whose maker died is passed on in the same way. While a process holds the last claim
 * and the lock still has that token, nobody else may replace it; and as no token comes twice, a claim made too late
 * finds another token in the lock and is given up.
 */
async function takeOver({ out, path, beside }: Place, owner: LockContent): Promise<boolean> {
  let claim = claimPath(path, owner);
  while (!(await linkNew(beside, claim))) {
    const claimer = await readLock(claim);
    if (claimer === null) return false;
    assertDead(claimer, { out, path: claim });
    claim = claimPath(path, claimer);
  }
  if ((await readLock(path))?.token !== owner.token) {
    await rm(claim, { force: true });
    return false;
  }
  await rename(claim, path);
  await removeClaims(path);
  return true;
}

function claimPath(path: string, owner: LockContent): string {
  return `${path}.claim-${owner.token}`;
}

/** For the new owner: no claim that is there now can win any more. */
async function removeClaims(path: string): Promise<void> {
  const prefix = `${basename(path)}.claim-`;
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(prefix)) await rm(join(dirname(path), name), { force: true });
  }
}

function assertDead(owner: LockContent, { out, path }: { readonly out: string; readonly path: string }): void {
  if (!isAlive(owner)) return;
  throw new UserError(`${out}: in use by process ${owner.pid} (${path}); stop it, or choose another --out`);
}

/** False when the path exists. The new name appears with all its content, or not at all. */
async function linkNew(existing: string, path: string): Promise<boolean> {
  try {
    await link(existing, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Null when the lock has gone. */
async function readLock(path: string): Promise<LockContent | null> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return lockContent.parse(JSON.parse(text));
  } catch (error) {
    throw new UserError(`${path}: not a lock that can be read; delete it if no run is using the folder`, {
      cause: error,
    });
  }
}

async function release(path: string, content: LockContent): Promise<void> {
  const owner = await readLock(path);
  if (owner?.token === content.token) await rm(path, { force: true });
}

function identityOf({ pid, bootId, startTicks }: LockContent): ProcessIdentity {
  return { pid, bootId, startTicks };
}
