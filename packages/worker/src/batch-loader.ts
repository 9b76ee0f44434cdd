// Owns how a micro-batch's pixels come into shared memory ahead of the compute threads: a thread of its own reads the
// image cache, so that neither the gRPC thread waits for a disk nor a compute thread (or its GPU) for pixels. The
// interface is the seam for other ways.
import type { ImageCacheHandle } from "@lockstep/dataset";
import { describeError } from "@lockstep/errors";
import type { Logger } from "pino";
import { BufferIntroductions } from "./buffer-introductions.js";
import type { SharedBuffer } from "./shared-buffers.js";
import { ThreadLink } from "./thread-link.js";
import type { BufferRef } from "./thread-messages.js";

export interface BatchLoader {
  /** Bytes of one image: height x width x 3. */
  readonly imageBytes: number;
  /**
   * Writes the samples' images one after the other from the start of the buffer: B x H x W x 3, RGB, bytes.
   * @throws Error that names what cannot be read
   */
  load(samples: Uint32Array, into: SharedBuffer): Promise<{ readonly loadSeconds: number }>;
  close(): Promise<void>;
}

export interface LoadRequest {
  readonly samples: Uint32Array;
  readonly into: BufferRef;
}

export interface LoadResult {
  readonly loadSeconds: number;
}

/** A BatchLoader that owns one thread; `crashed` rejects when the thread dies. */
export class ThreadBatchLoader implements BatchLoader {
  readonly imageBytes: number;
  readonly crashed: Promise<never>;
  readonly #link: ThreadLink<LoadRequest, LoadResult, null>;
  readonly #introductions = new BufferIntroductions();

  constructor(options: { readonly cache: ImageCacheHandle; readonly log: Logger }) {
    const { cache, log } = options;
    this.imageBytes = cache.imageSize ** 2 * 3;
    const entry = new URL("./loader-thread.js", import.meta.url);
    this.#link = new ThreadLink({ entry, name: "batch loader", setup: cache, log });
    this.crashed = this.#link.crashed;
  }

  /** Resolves once the thread has opened the cache. */
  async ready(): Promise<void> {
    await this.#link.ready;
  }

  async load(samples: Uint32Array, into: SharedBuffer): Promise<LoadResult> {
    if (samples.length * this.imageBytes > into.shared.byteLength) {
      throw new RangeError(`${samples.length} images do not fit into ${into.shared.byteLength} bytes`);
    }
    try {
      return await this.#link.call({ samples, into: this.#introductions.refTo(into) });
    } catch (error) {
      throw new Error(`loading images: ${describeError(error)}`, { cause: error });
    }
  }

  close(): Promise<void> {
    return this.#link.stop();
  }
}
