// Owns `OUT/lock`: one process leads a run. A lock names its owner, so that a dead owner's is recognised and taken over.
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@lockstep/errors";
import { z } from "zod";
import { jsonBytes, writeDurably } from "./durable-file.js";
import { isAlive, type ProcessIdentity, thisProcess } from "./process-identity.js";

const lockContent = z.strictObject({
  pid: z.number().int().positive(),
  bootId: z.string().nullable(),
  startTicks: z.string().nullable(),
  /** Tells two locks of one process apart. */
  token: z.string(),
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
 * Takes the run's lock.
 * @param out the run's folder, made if it is not there
 * @param options.name file name of the lock; default `lock`. A second one is for a second role that must be alone too.
 * @throws UserError that names the pid of the live owner
 */
export async function acquireRunLock(out: string, options: { readonly name?: string } = {}): Promise<RunLock> {
  const path = join(out, options.name ?? "lock");
  const content: LockContent = { ...thisProcess(), token: randomBytes(8).toString("hex") };
  const beside = `${path}.${content.token}`;
  await mkdir(out, { recursive: true });
  await writeDurably(beside, jsonBytes(content));
  try {
    let tookOverFrom: ProcessIdentity | null = null;
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      if (await linkNew(beside, path)) return { path, tookOverFrom, release: () => release(path, content) };
      const owner = await readLock(path);
      if (owner === null) continue;
      if (isAlive(owner)) {
        throw new UserError(`${out}: in use by process ${owner.pid} (${path}); stop it, or choose another --out`);
      }
      if (await removeDeadLock(path, { owner, mark: content.token })) tookOverFrom = identityOf(owner);
    }
    throw new UserError(`${out}: its lock keeps changing hands (${path}); another process is starting there`);
  } finally {
    await rm(beside, { force: true });
  }
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

/**
 * Of several processes that find the same dead lock, one renames it. Who renames a live lock by mistake (its owner was
 * faster) puts it back.
 */
async function removeDeadLock(path: string, { owner, mark }: { owner: LockContent; mark: string }): Promise<boolean> {
  const grave = `${path}.dead-${mark}`;
  try {
    await rename(path, grave);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  const buried = await readLock(grave);
  const right = buried?.token === owner.token;
  if (!right) await linkNew(grave, path);
  await rm(grave, { force: true });
  return right;
}

async function release(path: string, content: LockContent): Promise<void> {
  const owner = await readLock(path);
  if (owner?.token === content.token) await rm(path, { force: true });
}

function identityOf({ pid, bootId, startTicks }: LockContent): ProcessIdentity {
  return { pid, bootId, startTicks };
}
