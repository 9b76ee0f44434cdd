// `claimFolder` locks a run's folder for this process, and restores the folder if the run cannot be prepared.
// States of the folder, and what is done in each:
//   absent or empty         a new run is prepared in it (files whose names begin with a dot do not count)
//   unfinished preparation  it holds our lock or `.preparing`, no run.json, and only names of `runFiles`: the process that
//                           prepared a run was killed or failed. A new run is prepared over it
//   a run                   it holds run.json, which is written last: the run can be resumed
//   in use                  a running process holds the lock: refused
//   other content           it holds anything else: refused, and not changed
import { readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asUserError, UserError } from "@lockstep/errors";
import { acquireLock, type LockFile, type LockOptions, makeFolder } from "@lockstep/files";
import type { RunDescription } from "@lockstep/protocol";
import { dataOptionsOf } from "./data-options.js";
import { assertNotInData } from "./output-file.js";
import { readRunDescription, runFiles } from "./run-folder.js";
import type { GivenToRun } from "./run-settings.js";

/** Whether the run in --out is resumed. `auto`: it is resumed if there is one, and started otherwise. */
export type Resume = boolean | "auto";

export interface RunPlace {
  readonly out: string;
  readonly resume: Resume;
  readonly given: GivenToRun;
}

export interface ClaimOptions extends RunPlace {
  /** Callbacks for waiting on another holder of the run's lock, and for losing the lock. */
  readonly lockOptions?: LockOptions;
}

export interface ClaimedFolder {
  /** The run that is resumed; null for a new one. */
  readonly former: RunDescription | null;
  /** Held until the caller releases it or calls `giveBack`. */
  readonly lock: LockFile;
  /** Call it when run.json of the new run is written. */
  markPrepared(): Promise<void>;
  /** Removes what the preparation of a new run wrote, and releases the lock. `keepLogs` is for failures that are bugs. */
  giveBack(options: { readonly keepLogs: boolean }): Promise<void>;
}

/** @throws UserError if the folder cannot be used, or does not fit `resume` */
export async function claimFolder(place: ClaimOptions): Promise<ClaimedFolder> {
  await formerRun(place);
  const { out } = place;
  const preparing = join(out, runFiles.preparing);
  let [isNew, lock]: [boolean, LockFile | null] = [false, null];
  let former: RunDescription | null;
  try {
    isNew = await makeFolder(out);
    lock = await acquireLock(join(out, runFiles.lock), place.lockOptions);
    former = await formerRun(place); // read again: another process may have prepared a run before this one got the lock
    if (former === null) await writeFile(preparing, "");
    else await rm(preparing, { force: true }); // a process was killed right after it wrote run.json
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

/** @returns the run that is resumed; null for a new one. @throws UserError if the folder does not fit `resume` */
export async function formerRun({ out, resume, given }: RunPlace): Promise<RunDescription | null> {
  const former = await readRunDescription(out);
  if (resume === true && former === null) {
    throw new UserError(
      `${out}: no run to resume (no ${runFiles.run}); start one without --resume, or with --resume auto`,
    );
  }
  if (!resume && former !== null) {
    throw new UserError(`${out}: holds a run already; resume it with --resume, or choose another --out`);
  }
  if (former === null) {
    await assertNotInData("--out", out, dataOptionsOf(given, null).data);
    await assertFreeOrOurs(out);
  }
  return former;
}

/** Without a lock and `.preparing`, folders named `checkpoints` or `logs` belong to somebody else. */
async function assertFreeOrOurs(out: string): Promise<void> {
  const entries = await readdir(out).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === "ENOENT") return [];
    throw asUserError(error, `--out ${out}: cannot be used as the run's folder`);
  });
  const isOurs = entries.includes(runFiles.lock) || entries.includes(runFiles.preparing);
  const ours: readonly string[] = isOurs ? Object.values(runFiles) : [];
  const foreign = entries.find((name) => !ours.includes(name) && !name.startsWith("."));
  if (foreign !== undefined) {
    throw new UserError(`${out}: exists and is not empty (${foreign}); choose another --out`);
  }
}

/** Another program may have written into it. */
async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => {});
}
