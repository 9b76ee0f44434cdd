// Owns the order in which a checkpoint reaches the disk: every file is written into a folder beside and fsynced, the
// manifest last; then the folder is renamed. A kill at any moment leaves the checkpoint whole or not there. Runs in a
// thread of its own (publish-thread.ts), so it may block; it imports nothing heavy.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { jsonBytes, syncFolderSync, writeNewFileSync } from "./durable-file.js";
import { sealManifest } from "./manifest-digest.js";
import { encodeSafetensors, type NamedTensor } from "./safetensors-write.js";

export const weightsFile = "weights.safetensors";
export const optimizerFile = "optimizer.safetensors";
export const manifestFile = "manifest.json";

export interface PublishJob {
  /** Where the checkpoint is to stand. */
  readonly path: string;
  /** Beside it, on the same file system; must not exist. */
  readonly temporaryPath: string;
  /** Where a checkpoint that stands there already is moved until the new one has taken its place. */
  readonly replacedPath: string;
  /** The flat weights; views of one buffer, sorted by name. */
  readonly weights: readonly NamedTensor[];
  readonly optimizerState: readonly NamedTensor[];
  /** All of the manifest but weightsSha256, files and manifestSha256. */
  readonly manifest: object;
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
  const weights = encodeSafetensors(job.weights, { format: "lockstep" });
  writeNewFileSync(join(job.temporaryPath, weightsFile), weights.bytes);
  onPhase("weights written");
  const optimizer = encodeSafetensors(job.optimizerState, { format: "lockstep" });
  writeNewFileSync(join(job.temporaryPath, optimizerFile), optimizer.bytes);
  onPhase("optimizer written");

  const written = {
    // Tensors sorted by name, little-endian float32: what weightsSha256 is defined over.
    weightsSha256: sha256(weights.data),
    files: { [weightsFile]: fileRecord(weights.bytes), [optimizerFile]: fileRecord(optimizer.bytes) },
  };
  writeNewFileSync(join(job.temporaryPath, manifestFile), jsonBytes(sealManifest({ ...job.manifest, ...written })));
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

function fileRecord(bytes: Uint8Array): { sizeBytes: number; sha256: string } {
  return { sizeBytes: bytes.byteLength, sha256: sha256(bytes) };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
