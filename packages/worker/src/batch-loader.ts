// BatchLoader is the interface that reads a micro-batch's pixels into shared memory; ThreadBatchLoader implements it
// with a thread that reads the image cache. So the gRPC thread never waits for a disk, and pixels are read before a
// compute thread (or its GPU) needs them.
import type { ImageCacheHandle } from "@lockstep/dataset";
import { describeError } from "@lockstep/errors";
import type { Logger } from "pino";
import { SentBuffers } from "./buffer-refs.js";
import type { SharedBuffer } from "./shared-buffers.js";
import { ThreadLink } from "./thread-link.js";
import type { BufferRef } from "./thread-messages.js";

export interface BatchLoader {
  /** Bytes of one image: height x width x 3. */
  readonly imageBytes: number;
  /**
   * Writes the samples' images one after the other from the start of the buffer: B x H x W x 3, RGB, bytes.
   * @throws Error that names the sample or the file that cannot be read
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

/** A BatchLoader that runs one thread; `crashed` rejects when the thread ends unexpectedly. */
export class ThreadBatchLoader implements BatchLoader {
  readonly imageBytes: number;
  readonly crashed: Promise<never>;
  readonly #link: ThreadLink<LoadRequest, LoadResult, null>;
  readonly #sentBuffers = new SentBuffers();

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
      return await this.#link.call({ samples, into: this.#sentBuffers.refTo(into) });
    } catch (error) {
      throw new Error(`loading images: ${describeError(error)}`, { cause: error });
    }
  }

  close(): Promise<void> {
    return this.#link.stop();
  }
}
