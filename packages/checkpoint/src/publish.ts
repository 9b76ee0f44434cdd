// Owns the order in which a checkpoint reaches the disk: every file is written into a folder beside and fsynced, the
// manifest last; then the folder is renamed. A kill at any moment leaves the checkpoint whole or not there. Runs in a
// thread of its own (publish-thread.ts), so it may block; it imports nothing heavy.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type CheckpointContent, encodeFiles, manifestFile, optimizerFile, weightsFile } from "./checkpoint-codec.js";
import { syncFolderSync, writeNewFileSync } from "./durable-file.js";

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

/** When this returns, the checkpoint is durable. */
export function publish(job: PublishJob, onPhase: (phase: PublishPhase) => void): void {
  mkdirSync(job.temporaryPath, { recursive: false });
  onPhase("folder made");
  const files = encodeFiles(job);
  writeNewFileSync(join(job.temporaryPath, weightsFile), files[weightsFile]);
  onPhase("weights written");
  writeNewFileSync(join(job.temporaryPath, optimizerFile), files[optimizerFile]);
  onPhase("optimizer written");
  writeNewFileSync(join(job.temporaryPath, manifestFile), files[manifestFile]);
  onPhase("manifest written");
  syncFolderSync(job.temporaryPath);
  onPhase("folder synced");

  const parent = dirname(job.path);
  if (existsSync(job.path)) {
    rmSync(job.replacedPath, { recursive: true, force: true });
    renameSync(job.path, job.replacedPath);
  }
  onPhase("former moved away");
  renameSync(job.temporaryPath, job.path);
  onPhase("renamed");
  syncFolderSync(parent);
  rmSync(job.replacedPath, { recursive: true, force: true });
  onPhase("published");
}

/** Names the folder that a replaced checkpoint waits in; the store puts it back after a kill between two renames. */
export function replacedPathOf(path: string): string {
  return join(dirname(path), `.replaced-${basename(path)}`);
}
