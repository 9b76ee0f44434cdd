// Reads and writes the two files of an image cache (openCacheFile, writeCacheFile): NAME.rgb holds a header and the
// pixels of each sample; NAME.json, the manifest, holds the identity of the cache and the hash of the pixels.
//
// Invariant: NAME.rgb is written before NAME.json, so a manifest exists only where its pixels were written in full.
// Header of NAME.rgb, 64 bytes: "LSPIXEL1", imageSize uint32, numSamples uint32 (both little-endian), the key's 32
// bytes, zeros.
import { createHash } from "node:crypto";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { UserError } from "@lockstep/errors";
import { writeAll } from "@lockstep/files";
import { z } from "zod";
import { replaceInCache } from "../cache-dir.js";

const magic = "LSPIXEL1";
export const headerBytes = 64;
const hashChunkBytes = 1 << 20;

/** What identifies a cache: a cache file is used only if all of these are equal. */
export interface CacheIdentity {
  /** SHA-256 (hex) over the other fields. */
  readonly key: string;
  readonly datasetFingerprint: string;
  /** Version of the decoder, or of the generator. */
  readonly pixelsVersion: string;
  /** Pixels per side. */
  readonly imageSize: number;
  readonly numSamples: number;
  /** SHA-256 (hex) over the sample indexes, ascending, little-endian uint32. */
  readonly samplesSha256: string;
}

const manifestSchema = z.strictObject({
  formatVersion: z.literal(1),
  key: z.string(),
  datasetFingerprint: z.string(),
  pixelsVersion: z.string(),
  imageSize: z.number(),
  numSamples: z.number(),
  samplesSha256: z.string(),
  pixelsSha256: z.string(),
});

export type CacheState =
  /** All bytes are present and have the hash that they were written with. The caller closes the file. */
  | { readonly state: "whole"; readonly file: FileHandle; readonly pixelsSha256: string }
  | { readonly state: "absent" }
  | { readonly state: "broken"; readonly reason: string };

export function pixelBytes({ imageSize }: { readonly imageSize: number }): number {
  return imageSize * imageSize * 3;
}

/** Size of NAME.rgb in bytes. */
export function cacheFileBytes({ imageSize, numSamples }: Pick<CacheIdentity, "imageSize" | "numSamples">): number {
  return headerBytes + numSamples * pixelBytes({ imageSize });
}

/**
 * Opens a cache and checks it in full: it reads all pixels once, in chunks.
 * @param base path without `.rgb` and `.json`
 */
export async function openCacheFile(base: string, identity: CacheIdentity, signal?: AbortSignal): Promise<CacheState> {
  let manifest: z.infer<typeof manifestSchema>;
  try {
    manifest = manifestSchema.parse(JSON.parse(await readFile(`${base}.json`, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { state: "absent" };
    return { state: "broken", reason: "its manifest is not readable" };
  }
  if (manifest.key !== identity.key) return { state: "broken", reason: "its manifest is of another cache" };
  let file: FileHandle;
  try {
    file = await open(`${base}.rgb`, "r");
  } catch (error) {
    return { state: "broken", reason: `its pixels cannot be opened (${(error as Error).message})` };
  }
  try {
    const reason = (await checkHeader(file, identity)) ?? (await checkPixels(file, manifest.pixelsSha256, signal));
    if (reason === null) return { state: "whole", file, pixelsSha256: manifest.pixelsSha256 };
    await file.close();
    return { state: "broken", reason };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Returns null if header and size are right, otherwise what is wrong. */
export async function checkHeader(
  file: FileHandle,
  identity: Pick<CacheIdentity, "key" | "imageSize" | "numSamples">,
): Promise<string | null> {
  const expectedBytes = cacheFileBytes(identity);
  const { size } = await file.stat();
  if (size !== expectedBytes) return `it has ${size} bytes, not ${expectedBytes}`;
  const { buffer } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
  return buffer.equals(encodeHeader(identity)) ? null : "its header is wrong";
}

async function checkPixels(
  file: FileHandle,
  expected: string,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const hash = createHash("sha256");
  const chunk = Buffer.allocUnsafe(hashChunkBytes);
  for (let position = headerBytes; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(chunk, 0, hashChunkBytes, position);
    if (bytesRead === 0) break;
    hash.update(chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
  return hash.digest("hex") === expected ? null : "its pixels do not have the hash that they were written with";
}

/**
 * Writes both files.
 * @param chunks the pixels in the order of the samples
 */
export async function writeCacheFile(
  base: string,
  identity: CacheIdentity,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const pixelsSha256 = await replaceInCache(`${base}.rgb`, async (file) => {
    const hash = createHash("sha256");
    await writeAll(file, encodeHeader(identity));
    for await (const chunk of chunks) {
      hash.update(chunk);
      await writeAll(file, chunk);
    }
    return hash.digest("hex");
  });
  const manifest: z.infer<typeof manifestSchema> = { formatVersion: 1, ...identity, pixelsSha256 };
  await replaceInCache(`${base}.json`, (file) => file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`));
}

function encodeHeader({ key, imageSize, numSamples }: Pick<CacheIdentity, "key" | "imageSize" | "numSamples">): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.write(magic, 0, "latin1");
  header.writeUInt32LE(imageSize, 8);
  header.writeUInt32LE(numSamples, 12);
  header.write(key, 16, 32, "hex");
  return header;
}

/** @throws UserError if the size is not a whole number from 1 to 4096 */
export function checkImageSize(imageSize: number): void {
  if (!Number.isInteger(imageSize) || imageSize < 1 || imageSize > 4096) {
    throw new UserError(`imageSize ${imageSize}: must be a whole number from 1 to 4096 pixels (--image-size)`);
  }
}
