// Owns a run's folder of checkpoints: `step-00000123/` each. One process writes (it holds the run's lock); any may read.
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
  /** Of its tensor files. */
  readonly sizeBytes: number;
  readonly seconds: number;
  /** Steps of the checkpoints that retention deleted. */
  readonly deletedSteps: readonly number[];
}

export interface CheckpointStoreOptions {
  /** How many of the newest stay. At least 1; default 3. */
  readonly keepLast?: number;
  /** Whether the one with the lowest validation loss stays too. Default true. */
  readonly keepBest?: boolean;
  /** Told after each phase of a write, which waits for it: for tests that kill the process at a named place. */
  readonly onPhase?: PhaseHook;
}

export class CheckpointStore {
  readonly dir: string;
  readonly #keepLast: number;
  readonly #keepBest: boolean;
  readonly #onPhase: PhaseHook | null;
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** Paths of checkpoints that this store has read and found sound. */
  readonly #sound = new Set<string>();

  /** @throws UserError when keepLast is not a whole number of at least 1 */
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
   * For the writer, once at its start: makes the folder, puts back what a killed process had moved away, and removes
   * the leftovers of dead ones.
   */
  async prepare(): Promise<void> {
    await makeFolder(this.dir);
    await removeLeftovers(this.dir, { exclusive: true });
    const names = await readdir(this.dir);
    for (const name of names) {
      const path = join(this.dir, name);
      if (!name.startsWith(".replaced-")) continue;
      const place = name.slice(".replaced-".length);
      if (names.includes(place)) await rm(path, { recursive: true, force: true });
      else await rename(path, join(this.dir, place));
    }
    await syncFolder(this.dir);
  }

  /**
   * Writes in a thread of its own, then applies retention. The snapshot's arrays are given away. A checkpoint of the
   * same step is replaced. Writes stand in line; each resolves when its checkpoint is durable and older ones are gone.
   * Rejects when a value of the snapshot is not finite, or the disk fails.
   */
  write(snapshot: Snapshot): Promise<WrittenCheckpoint> {
    const write = this.#lastWrite.then(() => this.#write(snapshot));
    this.#lastWrite = write.catch(() => {}); // its caller hears of the failure; the next write goes on
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

  /** Ascending by step, whatever their state. Empty when the folder is not there. */
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

  /** Reads every byte. `fault` says what is wrong in one line; null: sound. */
  async verify(entry: CheckpointEntry): Promise<{ readonly fault: string | null }> {
    return { fault: await findFault(entry.path) };
  }

  /**
   * The newest checkpoint of which every byte verifies; null when there is none. Newer ones that do not are skipped.
   * @throws UserError when a newer Lockstep wrote one: going on behind it would throw work away
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

  /** Nothing older is deleted unless the checkpoint just written reads back as it should. */
  async #readBack(written: CheckpointEntry): Promise<CheckpointManifest> {
    const fault = await findFault(written.path);
    if (fault !== null) throw new Error(`${written.path}: does not read back: ${fault}`);
    this.#sound.add(written.path);
    return await readManifest(written.path);
  }

  /** Checkpoints that are damaged or not finite do not count, and stay for a person to look at. */
  async #applyRetention(writtenStep: number): Promise<number[]> {
    const candidates = [];
    for (const entry of await this.list()) candidates.push(await this.#retentionCandidate(entry));
    const steps = stepsToDelete(
      candidates.filter((candidate) => candidate !== null),
      { keepLast: this.#keepLast, keepBest: this.#keepBest },
    ).filter((step) => step !== writtenStep);
    for (const step of steps) {
      // Out of sight first: a kill in mid-deletion leaves no half checkpoint.
      const doomed = temporaryPathFor(join(this.dir, folderOf(step)));
      await rename(join(this.dir, folderOf(step)), doomed);
      this.#sound.delete(join(this.dir, folderOf(step)));
      await rm(doomed, { recursive: true, force: true });
    }
    return steps;
  }

  /** Null: not sound. The tensors are read once in the life of this store, the manifest each time. */
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
