// Owns the weights in shared memory: fetched once for each content, whatever the number of leases that ask; the newest
// is kept, an older one until its last lease lets go of it (so that two contents lie side by side at a commit).
import type { SharedBuffer, SharedBufferPool } from "./shared-buffers.js";

export interface HeldWeights {
  readonly buffer: SharedBuffer;
  /** Names this content for the life of the process. */
  readonly version: number;
  /** Idempotent. The content must not be read afterwards. */
  release(): void;
}

interface Entry {
  readonly digest: string;
  readonly version: number;
  readonly buffer: SharedBuffer;
  readonly fetched: Promise<void>;
  users: number;
}

export class WeightsStore {
  readonly #pool: SharedBufferPool;
  readonly #entries = new Map<string, Entry>();
  #newest: Entry | null = null;
  #nextVersion = 0;

  /** The pool has buffers of the flat layout's size. */
  constructor(pool: SharedBufferPool) {
    this.#pool = pool;
  }

  /**
   * @param digest names the content
   * @param fetch fills a buffer with it; called when it is not here nor on its way. All who wait share its failure.
   */
  async acquire(
    digest: string,
    fetch: (into: SharedArrayBuffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<HeldWeights> {
    const entry = this.#entries.get(digest) ?? (await this.#begin(digest, fetch, signal));
    entry.users += 1;
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      entry.users -= 1;
      this.#freeUnused();
    };
    try {
      await entry.fetched;
      signal.throwIfAborted();
    } catch (error) {
      release();
      throw error;
    }
    return { buffer: entry.buffer, version: entry.version, release };
  }

  async #begin(digest: string, fetch: (into: SharedArrayBuffer) => Promise<void>, signal: AbortSignal): Promise<Entry> {
    const buffer = await this.#pool.take(signal);
    const meanwhile = this.#entries.get(digest);
    if (meanwhile !== undefined) {
      this.#pool.give(buffer);
      return meanwhile;
    }
    const fetched = fetch(buffer.shared).catch((error: unknown) => {
      // Out of the way of the next try; the buffer goes back with the last who waited.
      if (this.#newest === entry) this.#newest = null;
      throw error;
    });
    const entry: Entry = { digest, version: this.#nextVersion++, buffer, fetched, users: 0 };
    this.#entries.set(digest, entry);
    this.#newest = entry;
    return entry;
  }

  #freeUnused(): void {
    for (const entry of this.#entries.values()) {
      if (entry.users > 0 || entry === this.#newest) continue;
      this.#entries.delete(entry.digest);
      this.#pool.give(entry.buffer);
    }
  }
}
