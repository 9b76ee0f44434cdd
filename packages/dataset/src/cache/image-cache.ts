// Opens the image cache (openImageCache). Every image of a run is decoded and resized once, before the first step;
// afterwards its pixels are read from the cache. The key of a cache is made of data set, decoder, size and samples: a
// small subset needs only a small cache, and a stale cache is never used.

import { readSync } from "node:fs";
import { access, type FileHandle, open } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import type { Log } from "@lockstep/errors";
import { mapBounded } from "../bounded-concurrency.js";
import { cacheFailure, checkFreeSpace } from "../cache-dir.js";
import { sha256Hex } from "../content-index.js";
import type { Dataset, Progress } from "../dataset.js";
import { datasetDecoderVersion, decodeImage } from "../decode/decode-image.js";
import {
  type CacheIdentity,
  cacheFileBytes,
  checkHeader,
  checkImageSize,
  headerBytes,
  openCacheFile,
  pixelBytes,
  writeCacheFile,
} from "./cache-file.js";

export interface OpenImageCacheOptions {
  readonly dataset: Dataset;
  /** Sample indexes that the run uses, in any order; default: all samples. */
  readonly samples?: Uint32Array | undefined;
  /** Pixels per side. */
  readonly imageSize: number;
  readonly cacheDir: string;
  readonly log: Log;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What another thread or process needs to read the same cache. It can be sent through structured clone. */
export interface ImageCacheHandle {
  readonly path: string;
  readonly key: string;
  /** Pixels per side. */
  readonly imageSize: number;
  /** The samples that the cache holds, ascending. */
  readonly samples: Uint32Array;
  /**
   * SHA-256 (hex) over the pixels of these samples, in ascending order. Equal pixels have equal hashes on any machine.
   */
  readonly pixelsSha256: string;
}

export interface ImageCache extends ImageCacheHandle {
  /** Whether this call decoded the images. */
  readonly built: boolean;
  /** Copies the sample's imageSize x imageSize x 3 bytes, RGB, row-major, to `into`, starting at `offset`. */
  read(sample: number, into: Uint8Array, offset: number): Promise<void>;
  /** The same as `read`, but blocks the thread. */
  readSync(sample: number, into: Uint8Array, offset: number): void;
  /** Returns the argument for attachImageCache. */
  handle(): ImageCacheHandle;
  close(): Promise<void>;
}

/**
 * Opens the cache and checks every byte of it. If the cache is absent, it is built. If it is damaged, it is built again
 * and a warning is logged.
 * @throws UserError if the image size is out of range, an image cannot be decoded, or the cache folder cannot be
 * written to
 * @throws MachineFault if the disk has too little free space
 */
export async function openImageCache(options: OpenImageCacheOptions): Promise<ImageCache> {
  const { dataset, imageSize, log, signal } = options;
  checkImageSize(imageSize);
  const cacheDir = resolve(options.cacheDir);
  const samples = ascending(options.samples ?? Uint32Array.from({ length: dataset.labels.numSamples }, (_, i) => i));
  const identity = await identify(dataset, samples, imageSize);
  const base = baseOf(cacheDir, identity.key);
  const fields = { path: `${base}.rgb`, images: samples.length, imageSize };
  let found = await openCacheFile(base, identity, signal);
  const built = found.state !== "whole";
  if (found.state === "broken")
    log.warn({ ...fields, reason: found.reason }, "the image cache is damaged and is built again");
  if (found.state !== "whole") {
    const neededBytes = cacheFileBytes(identity);
    try {
      await checkFreeSpace(cacheDir, neededBytes, `${samples.length} images at ${imageSize}x${imageSize}`);
      await writeCacheFile(base, identity, decodedChunks(options, samples));
    } catch (error) {
      throw cacheFailure(error, cacheDir, neededBytes);
    }
    found = await openCacheFile(base, identity, signal);
  }
  if (found.state !== "whole") {
    throw new Error(`image cache ${base}.rgb, just written: ${found.state === "broken" ? found.reason : found.state}`);
  }
  log.info({ ...fields, built, pixelsSha256: found.pixelsSha256 }, "opened the image cache");
  const handle = { path: `${base}.rgb`, key: identity.key, imageSize, samples, pixelsSha256: found.pixelsSha256 };
  return reader(handle, found.file, built);
}

/** Returns the path where openImageCache finds or builds the cache, and its size. It does not build the cache. */
export async function locateImageCache(
  options: Pick<OpenImageCacheOptions, "dataset" | "imageSize" | "cacheDir"> & { readonly samples: Uint32Array },
): Promise<{ readonly path: string; readonly sizeBytes: number; readonly isThere: boolean }> {
  checkImageSize(options.imageSize);
  const samples = ascending(options.samples);
  const { key } = await identify(options.dataset, samples, options.imageSize);
  const path = `${baseOf(options.cacheDir, key)}.rgb`;
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  return { path, sizeBytes: samples.length * pixelBytes(options), isThere };
}

/** Opens a cache in another thread after openImageCache has checked it. The pixels are not hashed again. */
export async function attachImageCache(handle: ImageCacheHandle): Promise<ImageCache> {
  const file = await open(handle.path, "r");
  const reason = await checkHeader(file, { ...handle, numSamples: handle.samples.length });
  if (reason === null) return reader(handle, file, false);
  await file.close();
  throw new Error(`image cache ${handle.path}: ${reason}`);
}

function baseOf(cacheDir: string, key: string): string {
  return join(resolve(cacheDir), "pixels", key.slice(0, 32));
}

async function identify(dataset: Dataset, samples: Uint32Array, imageSize: number): Promise<CacheIdentity> {
  const facts = {
    datasetFingerprint: dataset.fingerprint,
    pixelsVersion: dataset.pixelSource === "generated" ? dataset.generatorVersion : await datasetDecoderVersion(),
    imageSize,
    numSamples: samples.length,
    samplesSha256: sha256Hex(littleEndian(samples)),
  };
  return { key: sha256Hex(JSON.stringify(facts)), ...facts };
}

function reader(handle: ImageCacheHandle, file: FileHandle, built: boolean): ImageCache {
  const { path, key, imageSize, samples, pixelsSha256 } = handle;
  const imageBytes = pixelBytes(handle);
  const places = new Map(Array.from(samples, (sample, place) => [sample, place]));
  const positionOf = (sample: number, into: Uint8Array, offset: number): number => {
    const place = places.get(sample);
    if (place === undefined) throw new RangeError(`sample ${sample} is not in the image cache ${path}`);
    if (offset < 0 || offset + imageBytes > into.length) {
      throw new RangeError(`an image takes ${imageBytes} bytes: ${into.length} do not hold it from ${offset} on`);
    }
    return headerBytes + place * imageBytes;
  };
  const checkRead = (sample: number, bytesRead: number): void => {
    if (bytesRead !== imageBytes) throw new Error(`image cache ${path}: sample ${sample} gave ${bytesRead} bytes`);
  };
  return {
    ...{ path, key, imageSize, samples, pixelsSha256, built },
    async read(sample, into, offset) {
      const position = positionOf(sample, into, offset);
      checkRead(sample, (await file.read(into, offset, imageBytes, position)).bytesRead);
    },
    readSync(sample, into, offset) {
      checkRead(sample, readSync(file.fd, into, offset, imageBytes, positionOf(sample, into, offset)));
    },
    handle: () => ({ path, key, imageSize, samples, pixelsSha256 }),
    close: () => file.close(),
  };
}

/** Yields the pixels of the samples in order, in chunks of several images that are decoded at the same time. */
async function* decodedChunks(options: OpenImageCacheOptions, samples: Uint32Array): AsyncGenerator<Uint8Array> {
  const { dataset, imageSize, signal, onProgress } = options;
  const imageBytes = pixelBytes({ imageSize });
  const imagesPerChunk = Math.min(Math.max(Math.floor(2 ** 24 / imageBytes), 32), 256);
  const total = samples.length;
  onProgress?.({ stage: "decoding", done: 0, total });
  for (let first = 0; first < total; first += imagesPerChunk) {
    const part = Array.from(samples.subarray(first, first + imagesPerChunk));
    const pixels = new Uint8Array(part.length * imageBytes);
    await mapBounded({
      items: part,
      limit: availableParallelism() + 2, // some wait for the disk while the others decode
      signal,
      onDone: (done) => {
        if (done % 64 === 0 || done === part.length) onProgress?.({ stage: "decoding", done: first + done, total });
      },
      work: async (sample, place) => {
        if (dataset.pixelSource === "generated") dataset.generate(sample, imageSize, pixels, place * imageBytes);
        else {
          const encoded = await dataset.readEncoded(sample);
          pixels.set(await decodeImage(encoded, imageSize, dataset.imageName(sample)), place * imageBytes);
        }
      },
    });
    yield pixels;
  }
}

function ascending(samples: Uint32Array): Uint32Array {
  return Uint32Array.from(new Set(samples)).sort();
}

function littleEndian(samples: Uint32Array): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4 * samples.length));
  samples.forEach((sample, index) => {
    bytes.setUint32(4 * index, sample, true);
  });
  return new Uint8Array(bytes.buffer);
}
