// Reads and writes the files of a run's folder: `openRunFolder`. The coordinator uses the disk only through the
// interface `RunFolder`, so that a simulation can replace it by a disk that fails.
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  CheckpointStore,
  type CheckpointStoreOptions,
  type LoadedCheckpoint,
  loadCheckpoint,
  type SkippedCheckpoint,
  type Snapshot,
  type WrittenCheckpoint,
} from "@lockstep/checkpoint";
import { JsonLinesWriter, readText, replaceJson } from "@lockstep/files";

export interface RunFolder {
  readonly path: string;
  readonly checkpoints: RunCheckpoints;
  /** Null when the file does not exist. @throws UserError if it cannot be read */
  readText(name: string): Promise<string | null>;
  /** The file is on the disk when the promise resolves. */
  replaceJson(name: string, value: unknown): Promise<void>;
  /** Does nothing when the file does not exist. */
  remove(name: string): Promise<void>;
  openJournal(name: string): Journal;
}

/** A file of JSON lines. */
export interface Journal {
  /** Readers of the file see the line when this returns. */
  append(record: object): void;
  /** The lines appended before the call are on the disk when the promise resolves. Does nothing after close(). */
  sync(): Promise<void>;
  /** The lines are on the disk when this returns. May be called again. */
  close(): void;
}

export interface RunCheckpoints {
  readonly path: string;
  /**
   * The newest sound checkpoint, and the newer ones that are not sound. Removes temporary files of killed processes.
   */
  loadNewest(): Promise<{
    readonly checkpoint: StoredCheckpoint | null;
    readonly skipped: readonly SkippedCheckpoint[];
  }>;
  /** Resolves when the checkpoint is on the disk. The callee takes ownership of the snapshot's arrays. */
  write(snapshot: Snapshot): Promise<CheckpointReport>;
}

/** What is logged and sent to observers about a checkpoint that is on the disk. */
export type CheckpointReport = Pick<WrittenCheckpoint, "step" | "path" | "sizeBytes" | "seconds">;

export interface StoredCheckpoint extends LoadedCheckpoint {
  readonly path: string;
  /** Unix time, milliseconds. */
  readonly writtenAtMs: number;
}

export function openRunFolder(path: string, options: CheckpointStoreOptions): RunFolder {
  const store = new CheckpointStore(join(path, "checkpoints"), options);
  return {
    path,
    checkpoints: {
      path: store.dir,
      loadNewest: async () => {
        await store.prepare();
        const { checkpoint, skipped } = await store.newestValid();
        if (checkpoint === null) return { checkpoint, skipped };
        const { mtimeMs: writtenAtMs } = await stat(join(checkpoint.path, "manifest.json"));
        return { checkpoint: { ...(await loadCheckpoint(checkpoint)), path: checkpoint.path, writtenAtMs }, skipped };
      },
      write: (snapshot) => store.write(snapshot),
    },
    readText: (name) => readText(join(path, name)),
    replaceJson: (name, value) => replaceJson(join(path, name), value),
    remove: (name) => rm(join(path, name), { force: true }),
    openJournal: (name) => new JsonLinesWriter(join(path, name)),
  };
}
