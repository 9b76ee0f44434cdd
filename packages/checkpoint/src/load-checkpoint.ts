// Reads a checkpoint back from the disk: `loadCheckpoint` and `findFault`. Every byte was checked against the manifest's digests.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describeError, UserError } from "@lockstep/errors";
import { type ByteSource, withFileSource } from "@lockstep/files";
import {
  assertRecorded,
  decodeSources,
  type LoadedCheckpoint,
  manifestFile,
  optimizerFile,
  weightsFile,
} from "./checkpoint-codec.js";
import { type CheckpointManifest, NewerFormatError, parseManifest } from "./manifest.js";
import { NotFiniteCounter } from "./not-finite.js";
import { layoutOf } from "./snapshot.js";

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
export async function loadCheckpoint({ path }: { readonly path: string }): Promise<LoadedCheckpoint> {
  await readManifest(path); // it reports best what is missing or broken
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

/** The tensor that holds the file's value `index`. The file's tensors are sorted by name. */
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
