// Chooses the checkpoint for a path (chooseCheckpoint): the path is the folder of a checkpoint, or the folder of a run,
// from which one checkpoint is chosen.
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type CheckpointEntry, CheckpointStore, readManifest, validationLossOf } from "@lockstep/checkpoint";
import { UserError } from "@lockstep/errors";

export type CheckpointChoice = "last" | "best";

export interface ChosenCheckpoint {
  readonly path: string;
  /** Newer or better checkpoints that are damaged. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

/**
 * Chooses the newest sound checkpoint (`last`), or the sound checkpoint with the least validation loss (`best`).
 * @param path folder of a checkpoint, of a run, or of a run's checkpoints; the folder of a checkpoint is returned
 * without checks
 * @throws UserError if there is no such checkpoint
 */
export async function chooseCheckpoint(path: string, choice: CheckpointChoice): Promise<ChosenCheckpoint> {
  if (await isCheckpoint(path)) return { path, skipped: [] };
  const dir = basename(path) === "checkpoints" ? path : join(path, "checkpoints");
  if (!(await exists(dir))) {
    throw new UserError(`${path}: neither a checkpoint (manifest.json) nor a run's folder (checkpoints/)`);
  }
  const store = new CheckpointStore(dir);
  const skipped: { path: string; reason: string }[] = [];
  for (const entry of await ranked(store, choice, skipped)) {
    const { fault } = await store.verify(entry);
    if (fault === null) return { path: entry.path, skipped };
    skipped.push({ path: entry.path, reason: fault });
  }
  const why = skipped.map((entry) => `; ${basename(entry.path)}: ${entry.reason}`).join("");
  const what = choice === "best" ? "sound checkpoint with a validation loss" : "sound checkpoint";
  throw new UserError(`${dir}: no ${what}${why}`);
}

/** Whether the path is the folder of a checkpoint, which may be damaged. */
export function isCheckpoint(path: string): Promise<boolean> {
  return exists(join(path, "manifest.json"));
}

/** Returns the checkpoints in the order of preference. */
async function ranked(
  store: CheckpointStore,
  choice: CheckpointChoice,
  skipped: { path: string; reason: string }[],
): Promise<CheckpointEntry[]> {
  const entries = (await store.list()).reverse();
  if (choice === "last") return entries;
  const validated: { entry: CheckpointEntry; loss: number }[] = [];
  for (const entry of entries) {
    try {
      const loss = validationLossOf(await readManifest(entry.path));
      if (loss !== null && !Number.isNaN(loss)) validated.push({ entry, loss });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      skipped.push({ path: entry.path, reason: error.message });
    }
  }
  return validated.sort((a, b) => a.loss - b.loss).map(({ entry }) => entry);
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
      throw error;
    },
  );
}
