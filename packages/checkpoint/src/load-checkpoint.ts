// Reads a checkpoint from the disk with `loadCheckpoint`, and verifies one with `findFault`. Both check every byte against the
// manifest's digests.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describeError, UserError } from "@lockstep/errors";
import { type ByteSource, withFileSource } from "@lockstep/files";
import {
  assertMatchesManifest,
  decodeSources,
  type LoadedCheckpoint,
  manifestFile,
  optimizerFile,
  weightsFile,
} from "./checkpoint-codec.js";
import { type CheckpointManifest, NewerFormatError, parseManifest } from "./manifest.js";
import { NotFiniteCounter } from "./not-finite.js";
import { layoutOf } from "./snapshot.js";

/** @throws UserError if there is no manifest, or it is broken or of a newer format */
export async function readManifest(path: string): Promise<CheckpointManifest> {
  const text = await readFile(join(path, manifestFile), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") throw new UserError(`${path}: no ${manifestFile}`);
    throw new UserError(`${path}: ${manifestFile} cannot be read: ${error.message}`, { cause: error });
  });
  return parseManifest(text, path);
}

/**
 * Explains in one line why the checkpoint cannot be used; null when its manifest, sizes and digests are right and every value
 * is finite. Older releases of Lockstep wrote weights that were not finite.
 * @param options.refuseNewer true to throw when a newer Lockstep wrote the checkpoint
 * @throws NewerFormatError if refuseNewer is true and a newer Lockstep wrote it
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

/** Reads every byte, but keeps none in memory. @throws UserError if a file is wrong; it names the first one */
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
    assertMatchesManifest({ path, name, manifest, sizeBytes: size, sha256: hash.digest("hex") });
    if (notFinite.count === 0) continue;
    const tensor = name === weightsFile ? `, the first in tensor ${tensorAt(manifest, notFinite.first)}` : "";
    throw new UserError(
      `${path}: ${name} holds ${notFinite.count} values of ${notFinite.numValues} that are NaN or infinite${tensor}`,
    );
  }
}

/** @throws UserError if the checkpoint is absent, damaged or of a newer format */
export async function loadCheckpoint({ path }: { readonly path: string }): Promise<LoadedCheckpoint> {
  await readManifest(path); // its messages are the clearest about an absent or broken checkpoint
  const open = <T>(name: string, use: (source: ByteSource) => Promise<T>): Promise<T> =>
    withFileSource(join(path, name), use).catch((error: unknown) => {
      if (error instanceof UserError) throw error;
      throw new UserError(`${path}: ${name} cannot be read: ${describeError(error)}`, { cause: error });
    });
  return open(manifestFile, (manifest) =>
    open(weightsFile, (weights) =>
      open(optimizerFile, (optimizer) =>
        decodeSources({ [manifestFile]: manifest, [weightsFile]: weights, [optimizerFile]: optimizer }, path),
      ),
    ),
  );
}

/** The name of the tensor that contains value `index` of the file. The file's tensors are sorted by name. */
function tensorAt(manifest: CheckpointManifest, index: number): string {
  let end = 0;
  for (const { name, size } of [...layoutOf(manifest).tensors].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    end += size;
    if (index < end) return name;
  }
  return "unknown";
}

function withoutLabel(message: string, path: string): string {
  return message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message;
}
