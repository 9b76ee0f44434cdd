// Owns reading a checkpoint back: every byte that is handed out was checked against the manifest's digests.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describeError, UserError } from "@lockstep/errors";
import type { TensorLayout } from "@lockstep/protocol";
import { type CheckpointManifest, NewerFormatError, parseManifest } from "./manifest.js";
import { NotFiniteCounter } from "./not-finite.js";
import { manifestFile, optimizerFile, weightsFile } from "./publish.js";
import { decodeSafetensors } from "./safetensors-read.js";
import { layoutOf, type OptimizerState } from "./snapshot.js";

export interface LoadedCheckpoint {
  readonly manifest: CheckpointManifest;
  readonly layout: TensorLayout;
  /** layout.numElements values, the caller's own. */
  readonly weights: Float32Array;
  readonly optimizerState: readonly OptimizerState[];
}

/** @throws UserError when there is none, it is broken, or of a newer format */
export async function readManifest(path: string): Promise<CheckpointManifest> {
  const text = await readFile(join(path, manifestFile), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") throw new UserError(`${path}: no ${manifestFile}`);
    throw new UserError(`${path}: ${manifestFile} cannot be read: ${error.message}`, { cause: error });
  });
  return parseManifest(text, path);
}

/**
 * Why the checkpoint cannot be used, in one line; null when its manifest, sizes and digests are right and every value
 * is finite. Older releases wrote weights that were not.
 * @throws NewerFormatError, with refuseNewer, when a newer Lockstep wrote it
 */
export async function findFault(
  path: string,
  options: { readonly refuseNewer?: boolean } = {},
): Promise<string | null> {
  try {
    await verifyFiles(path, await readManifest(path));
    return null;
  } catch (error) {
    if (error instanceof NewerFormatError && options.refuseNewer) throw error;
    if (error instanceof UserError) return withoutLabel(error.message, path);
    throw error;
  }
}

/** Reads every byte and keeps none. @throws UserError that names the first file that is wrong */
async function verifyFiles(path: string, manifest: CheckpointManifest): Promise<void> {
  for (const name of [weightsFile, optimizerFile]) {
    const file = join(path, name);
    const { size } = await stat(file).catch((error: unknown) => {
      throw new UserError(`${path}: ${name} cannot be read: ${describeError(error)}`, { cause: error });
    });
    const hash = createHash("sha256");
    const notFinite = new NotFiniteCounter();
    if (size === manifest.files[name]?.sizeBytes) {
      for await (const bytes of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
        hash.update(bytes);
        notFinite.take(bytes);
      }
    }
    assertRecorded({ path, name, manifest, sizeBytes: size, sha256: hash.digest("hex") });
    if (notFinite.count === 0) continue;
    const tensor = name === weightsFile ? `, the first in tensor ${tensorAt(manifest, notFinite.first)}` : "";
    throw new UserError(
      `${path}: ${name} holds ${notFinite.count} values of ${notFinite.numValues} that are NaN or infinite${tensor}`,
    );
  }
}

/** @throws UserError when the checkpoint is broken, or of a newer format */
export async function loadCheckpoint(checkpoint: { readonly path: string }): Promise<LoadedCheckpoint> {
  const { path } = checkpoint;
  const manifest = await readManifest(path);
  const weightsBytes = await readChecked({ path, name: weightsFile, manifest });
  const optimizerBytes = await readChecked({ path, name: optimizerFile, manifest });
  try {
    const layout = layoutOf(manifest);
    const weights = new Float32Array(layout.numElements);
    const { tensors } = decodeSafetensors(weightsBytes, weightsFile);
    for (const { name, shape, offset } of layout.tensors) {
      const stored = tensors.get(name);
      if (stored === undefined || stored.shape.join() !== shape.join()) {
        throw new Error(`${weightsFile} has no tensor ${name} of shape [${shape}]`);
      }
      weights.set(stored.values, offset);
    }
    if (tensors.size !== layout.tensors.length) throw new Error(`${weightsFile} has tensors that the manifest lacks`);
    const optimizerState = [...decodeSafetensors(optimizerBytes, optimizerFile).tensors.values()];
    return { manifest, layout, weights, optimizerState: optimizerState.map(({ name, values }) => ({ name, values })) };
  } catch (error) {
    throw new UserError(`${path}: ${describeError(error)}`, { cause: error });
  }
}

/** The tensor that holds the file's value `index`. The file's tensors are sorted by name. */
function tensorAt(manifest: CheckpointManifest, index: number): string {
  let end = 0;
  for (const { name, size } of [...layoutOf(manifest).tensors].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    end += size;
    if (index < end) return name;
  }
  return "unknown";
}

interface FileOfCheckpoint {
  readonly path: string;
  readonly name: string;
  readonly manifest: CheckpointManifest;
}

async function readChecked(file: FileOfCheckpoint): Promise<Uint8Array> {
  const bytes = await readFile(join(file.path, file.name)).catch((error: unknown) => {
    throw new UserError(`${file.path}: ${file.name} cannot be read: ${describeError(error)}`, { cause: error });
  });
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  assertRecorded({ ...file, sizeBytes: bytes.byteLength, sha256 });
  return bytes;
}

function assertRecorded(found: FileOfCheckpoint & { readonly sizeBytes: number; readonly sha256: string }): void {
  const { path, name, manifest, sizeBytes, sha256 } = found;
  const recorded = manifest.files[name];
  if (recorded === undefined) throw new UserError(`${path}: the manifest does not list ${name}`);
  if (sizeBytes !== recorded.sizeBytes) {
    throw new UserError(`${path}: ${name} has ${sizeBytes} bytes, the manifest says ${recorded.sizeBytes}`);
  }
  if (sha256 !== recorded.sha256) {
    throw new UserError(`${path}: ${name} is damaged: SHA-256 ${sha256}, the manifest says ${recorded.sha256}`);
  }
}

function withoutLabel(message: string, path: string): string {
  return message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message;
}
