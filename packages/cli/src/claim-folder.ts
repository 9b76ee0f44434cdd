// `claimFolder` takes a run's folder for this process, and gives it back as it was when the run cannot be prepared.
// States of the folder, and what becomes of it:
//   absent or empty         a new run is prepared in it (files whose names begin with a dot do not count)
//   a preparation of ours   it holds our lock or `.preparing` and no run.json: the process that prepared a run was killed or
//                           failed. Only names of `runFiles` are in it. A new run is prepared over it
//   a run                   it holds run.json, which is written last: the run can be resumed
//   in use                  a process that lives holds the lock: refused
//   not ours                it holds anything else: refused, and left as it is
import { readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asUserError, UserError } from "@lockstep/errors";
import { acquireLock, type LockFile, type LockOptions, makeFolder } from "@lockstep/files";
import type { RunDescription } from "@lockstep/protocol";
import { dataOptionsOf } from "./data-options.js";
import { assertNotInData } from "./output-file.js";
import { readRunDescription, runFiles } from "./run-folder.js";
import type { GivenToRun } from "./run-settings.js";

/** Goes on with the run in --out; auto: or starts it, if there is none. */
export type Resume = boolean | "auto";

export interface RunPlace {
  readonly out: string;
  readonly resume: Resume;
  readonly given: GivenToRun;
}

export interface ClaimOptions extends RunPlace {
  /** What to do while another holder of the run's lock is watched, and when the lock was taken over. */
  readonly lockOptions?: LockOptions;
}

export interface ClaimedFolder {
  /** The run that goes on; null for a new one. */
  readonly former: RunDescription | null;
  /** Held until the caller releases it, or gives the folder back. */
  readonly lock: LockFile;
  /** The new run is prepared: its run.json is written. */
  markPrepared(): Promise<void>;
  /** Removes what the preparation of a new run has made, and releases the lock. @param keepLogs after a bug of ours */
  giveBack(options: { readonly keepLogs: boolean }): Promise<void>;
}

/** @throws UserError where the folder cannot be used, or not for that */
export async function claimFolder(place: ClaimOptions): Promise<ClaimedFolder> {
  await formerRun(place);
  const { out } = place;
  const preparing = join(out, runFiles.preparing);
  let [isNew, lock]: [boolean, LockFile | null] = [false, null];
  let former: RunDescription | null;
  try {
    isNew = await makeFolder(out);
    lock = await acquireLock(join(out, runFiles.lock), place.lockOptions);
    former = await formerRun(place); // again: another process may have prepared a run before this one had the lock
    if (former === null) await writeFile(preparing, "");
    else await rm(preparing, { force: true }); // the former process was killed right after it had written run.json
  } catch (error) {
    await lock?.release();
    if (isNew) await removeIfEmpty(out);
    throw asUserError(error, `--out ${out}: cannot be used as the run's folder`);
  }
  const held = lock;
  return {
    former,
    lock,
    async markPrepared() {
      await rm(preparing, { force: true });
    },
    async giveBack({ keepLogs }) {
      const isUnfinished = former === null && (await readRunDescription(out)) === null;
      const kept: readonly string[] = [runFiles.lock, ...(keepLogs ? [runFiles.logs, runFiles.preparing] : [])];
      for (const name of isUnfinished ? Object.values(runFiles) : []) {
        if (!kept.includes(name)) await rm(join(out, name), { recursive: true, force: true });
      }
      await held.release();
      if (isUnfinished && isNew) await removeIfEmpty(out);
    },
  };
}

/** The run that --resume goes on with; null for a new one. @throws UserError when `out` is not what is needed for that */
export async function formerRun({ out, resume, given }: RunPlace): Promise<RunDescription | null> {
  const former = await readRunDescription(out);
  if (resume === true && former === null) {
    throw new UserError(
      `${out}: no run to go on with (no ${runFiles.run}); start one without --resume, or by --resume auto`,
    );
  }
  if (!resume && former !== null) {
    throw new UserError(`${out}: holds a run already; go on with it by --resume, or choose another --out`);
  }
  if (former === null) {
    await assertNotInData("--out", out, dataOptionsOf(given, null).data);
    await assertFreeOrOurs(out);
  }
  return former;
}

/** The lock and `.preparing` tell our unfinished preparation from folders that somebody else calls `checkpoints` or `logs`. */
async function assertFreeOrOurs(out: string): Promise<void> {
  const entries = await readdir(out).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === "ENOENT") return [];
    throw asUserError(error, `--out ${out}: cannot be used as the run's folder`);
  });
  const isOurs = entries.includes(runFiles.lock) || entries.includes(runFiles.preparing);
  const ours: readonly string[] = isOurs ? Object.values(runFiles) : [];
  const stranger = entries.find((name) => !ours.includes(name) && !name.startsWith("."));
  if (stranger !== undefined) {
    throw new UserError(`${out}: exists and is not empty (${stranger}); choose another --out`);
  }
}

/** Somebody may have put something into it meanwhile. */
async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => {});
}
