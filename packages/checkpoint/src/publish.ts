// Owns the order in which a checkpoint reaches the disk: every file is written into a folder beside and fsynced, the
// manifest last; then the folder is renamed. A kill at any moment leaves the checkpoint whole or not there. Runs in a
// thread of its own (publish-thread.ts), as hashing blocks; it imports nothing heavy.
import { access, mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { syncFolder, writeAll, writeNewFile } from "@lockstep/files";
import {
  type CheckpointContent,
  type CheckpointFileName,
  encodeFiles,
  manifestFile,
  optimizerFile,
  weightsFile,
} from "./checkpoint-codec.js";

export interface PublishJob extends CheckpointContent {
  /** Where the checkpoint is to stand. */
  readonly path: string;
  /** Beside it, on the same file system; must not exist. */
  readonly temporaryPath: string;
  /** Where a checkpoint that stands there already is moved until the new one has taken its place. */
  readonly replacedPath: string;
}

/** Told after each; a test kills the process there. */
export const publishPhases = [
  "folder made",
  "weights written",
  "optimizer written",
  "manifest written",
  "folder synced",
  "former moved away",
  "renamed",
  "published",
] as const;
export type PublishPhase = (typeof publishPhases)[number];

/** When this resolves, the checkpoint is durable. */
export async function publish(job: PublishJob, onPhase: (phase: PublishPhase) => void): Promise<void> {
  await mkdir(job.temporaryPath);
  onPhase("folder made");
  const files = encodeFiles(job);
  const write = async (name: CheckpointFileName): Promise<void> => {
    await writeNewFile(join(job.temporaryPath, name), async (file) => {
      for (const piece of files[name]) await writeAll(file, piece);
    });
  };
  await write(weightsFile);
  onPhase("weights written");
  await write(optimizerFile);
  onPhase("optimizer written");
  await write(manifestFile);
  onPhase("manifest written");
  await syncFolder(job.temporaryPath);
  onPhase("folder synced");

  if (await exists(job.path)) {
    await rm(job.replacedPath, { recursive: true, force: true });
    await rename(job.path, job.replacedPath);
  }
  onPhase("former moved away");
  await rename(job.temporaryPath, job.path);
  onPhase("renamed");
  await syncFolder(dirname(job.path));
  await rm(job.replacedPath, { recursive: true, force: true });
  onPhase("published");
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Names the folder that a replaced checkpoint waits in; the store puts it back after a kill between two renames. */
export function replacedPathOf(path: string): string {
  return join(dirname(path), `.replaced-${basename(path)}`);
}
