// Writes, lists, verifies and deletes a run's checkpoints (`CheckpointStore`), one folder `step-00000123/` each. One process
// writes: the one that holds the run's lock. Any process may read.
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@lockstep/errors";
import { makeFolder, removeLeftovers, syncFolder, temporaryPathFor, withTemporaryPath } from "@lockstep/files";
import { contentOf } from "./checkpoint-codec.js";
import { findFault, readManifest } from "./load-checkpoint.js";
import { type CheckpointManifest, validationLossOf } from "./manifest.js";
import { replacedPathOf } from "./publish.js";
import { type PhaseHook, publishInThread } from "./publish-in-thread.js";
import { type RetentionCandidate, stepsToDelete } from "./retention.js";
import type { Snapshot } from "./snapshot.js";

export interface CheckpointEntry {
  readonly step: number;
  readonly path: string;
}

export interface ValidCheckpoint extends CheckpointEntry {
  readonly manifest: CheckpointManifest;
}

export interface SkippedCheckpoint extends CheckpointEntry {
  readonly reason: string;
}

export interface WrittenCheckpoint extends ValidCheckpoint {
  /** Size of its tensor files. */
  readonly sizeBytes: number;
  /** Duration of the write, with the check and the deletion of older ones. */
  readonly seconds: number;
  /** Steps of the checkpoints that retention deleted. */
  readonly deletedSteps: readonly number[];
}

export interface CheckpointStoreOptions {
  /** How many of the newest checkpoints are kept. At least 1; default 3. */
  readonly keepLast?: number;
  /** Whether the checkpoint with the lowest validation loss is kept too. Default true. */
  readonly keepBest?: boolean;
  /** Called after each phase of a write, which waits for it. Tests use it to kill the process after a named phase. */
  readonly onPhase?: PhaseHook;
}

export class CheckpointStore {
  readonly dir: string;
  readonly #keepLast: number;
  readonly #keepBest: boolean;
  readonly #onPhase: PhaseHook | null;
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** Paths of checkpoints that this object has read and found sound. */
  readonly #sound = new Set<string>();

  /** @throws UserError if keepLast is not a whole number of at least 1 */
  constructor(dir: string, options: CheckpointStoreOptions = {}) {
    const { keepLast = 3, keepBest = true, onPhase = null } = options;
    if (!Number.isInteger(keepLast) || keepLast < 1) {
      throw new UserError(`keeping ${keepLast} checkpoints: must be a whole number of at least 1`);
    }
    this.dir = dir;
    this.#keepLast = keepLast;
    this.#keepBest = keepBest;
    this.#onPhase = onPhase;
  }

  /**
   * The writer calls this once at its start. It makes the folder, moves back a checkpoint that a killed process was replacing,
   * and removes the temporary files of dead processes.
   */
  async prepare(): Promise<void> {
    await makeFolder(this.dir);
    await removeLeftovers(this.dir, { exclusive: true });
    const names = await readdir(this.dir);
    for (const name of names) {
      const path = join(this.dir, name);
      if (!name.startsWith(".replaced-")) continue;
      const original = name.slice(".replaced-".length);
      if (names.includes(original)) await rm(path, { recursive: true, force: true });
      else await rename(path, join(this.dir, original));
    }
    await syncFolder(this.dir);
  }

  /**
   * Writes a checkpoint in a separate thread, then applies retention. The snapshot's arrays are transferred: the caller cannot
   * use them any more. A checkpoint of the same step is replaced. Writes run one after another; each resolves when its
   * checkpoint is durable and older ones are deleted. Rejects when a value of the snapshot is not finite, or the disk fails.
   */
  write(snapshot: Snapshot): Promise<WrittenCheckpoint> {
    const write = this.#lastWrite.then(() => this.#write(snapshot));
    this.#lastWrite = write.catch(() => {}); // the caller handles the error; the next write is independent
    return write;
  }

  async #write(snapshot: Snapshot): Promise<WrittenCheckpoint> {
    const startMs = performance.now();
    const { step } = snapshot.position;
    const path = join(this.dir, folderOf(step));
    await withTemporaryPath(path, (temporaryPath) =>
      publishInThread(
        {
          path,
          temporaryPath,
          replacedPath: replacedPathOf(path),
          ...contentOf(snapshot),
        },
        this.#onPhase,
      ),
    );
    const manifest = await this.#readBack({ step, path });
    const deletedSteps = await this.#applyRetention(step);
    const sizeBytes = Object.values(manifest.files).reduce((sum, file) => sum + file.sizeBytes, 0);
    return { step, path, manifest, sizeBytes, seconds: (performance.now() - startMs) / 1000, deletedSteps };
  }

  /** All checkpoints, sound or not, ascending by step. Empty when the folder is absent. */
  async list(): Promise<CheckpointEntry[]> {
    const names = await readdir(this.dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    return names
      .flatMap((name) => {
        const step = stepOf(name);
        return step === null ? [] : [{ step, path: join(this.dir, name) }];
      })
      .sort((a, b) => a.step - b.step);
  }

  /** Reads every byte. @returns `fault`: what is wrong, in one line; null when the checkpoint is sound */
  async verify(entry: CheckpointEntry): Promise<{ readonly fault: string | null }> {
    return { fault: await findFault(entry.path) };
  }

  /**
   * Finds the newest sound checkpoint; null when there is none. Reads every byte. `skipped` are the newer, damaged ones.
   * @throws UserError if a newer Lockstep wrote one: to resume from an older checkpoint would lose its work
   */
  async newestValid(): Promise<{ readonly checkpoint: ValidCheckpoint | null; readonly skipped: SkippedCheckpoint[] }> {
    const skipped: SkippedCheckpoint[] = [];
    for (const entry of (await this.list()).reverse()) {
      const fault = await findFault(entry.path, { refuseNewer: true });
      if (fault === null) {
        this.#sound.add(entry.path);
        return { checkpoint: { ...entry, manifest: await readManifest(entry.path) }, skipped };
      }
      skipped.push({ ...entry, reason: fault });
    }
    return { checkpoint: null, skipped };
  }

  /** Verifies the checkpoint just written. Otherwise no older one may be deleted. @throws Error if it is damaged */
  async #readBack(written: CheckpointEntry): Promise<CheckpointManifest> {
    const fault = await findFault(written.path);
    if (fault !== null) throw new Error(`${written.path}: is damaged right after it was written: ${fault}`);
    this.#sound.add(written.path);
    return await readManifest(written.path);
  }

  /** Checkpoints that are damaged or not finite do not count. They are kept, so that a person can examine them. */
  async #applyRetention(writtenStep: number): Promise<number[]> {
    const candidates = [];
    for (const entry of await this.list()) candidates.push(await this.#retentionCandidate(entry));
    const steps = stepsToDelete(
      candidates.filter((candidate) => candidate !== null),
      { keepLast: this.#keepLast, keepBest: this.#keepBest },
    ).filter((step) => step !== writtenStep);
    for (const step of steps) {
      // The rename comes first, so that a kill during the deletion leaves no partial checkpoint.
      const deleting = temporaryPathFor(join(this.dir, folderOf(step)));
      await rename(join(this.dir, folderOf(step)), deleting);
      this.#sound.delete(join(this.dir, folderOf(step)));
      await rm(deleting, { recursive: true, force: true });
    }
    return steps;
  }

  /** Null when the checkpoint is not sound. Its tensors are read only once by this object, its manifest each time. */
  async #retentionCandidate({ step, path }: CheckpointEntry): Promise<RetentionCandidate | null> {
    if (!this.#sound.has(path)) {
      if ((await findFault(path)) !== null) return null;
      this.#sound.add(path);
    }
    try {
      return { step, validationLoss: validationLossOf(await readManifest(path)) };
    } catch (error) {
      if (error instanceof UserError) return null;
      throw error;
    }
  }
}

function folderOf(step: number): string {
  return `step-${String(step).padStart(8, "0")}`;
}

function stepOf(name: string): number | null {
  const match = /^step-(\d{8,})$/.exec(name);
  return match === null ? null : Number(match[1]);
}
