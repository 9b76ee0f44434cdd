// Writes a checkpoint to the disk with `publish`: it writes and flushes every file in a temporary folder, the manifest last,
// and then renames the folder. A kill at any moment leaves either the whole checkpoint or none. It runs in a separate thread
// (publish-thread.ts), because hashing takes long; so it imports only what it needs.
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
  /** The checkpoint's folder. */
  readonly path: string;
  /** A path in the same parent folder, which must not exist yet. */
  readonly temporaryPath: string;
  /** The existing checkpoint at `path`, if any, is moved here until the new one is in place. */
  readonly replacedPath: string;
}

/** In this order. `onPhase` is called after each; tests kill the process there. */
export const publishPhases = [
  "folder made",
  "weights written",
  "optimizer written",
  "manifest written",
  "folder synced",
  "previous moved away",
  "renamed",
  "published",
] as const;
export type PublishPhase = (typeof publishPhases)[number];

/** Writes the checkpoint. It is durable when the promise resolves. */
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
  onPhase("previous moved away");
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

/** The folder to which an existing checkpoint is moved. After a kill between the two renames, the store moves it back. */
export function replacedPathOf(path: string): string {
  return join(dirname(path), `.replaced-${basename(path)}`);
}
