// WeightsStore holds weights in shared memory, fetched once for each digest, for any number of leases. It keeps the
// newest weights, and older ones until their last lease releases them. So there are two at the time of a commit.
import type { SharedBuffer, SharedBufferPool } from "./shared-buffers.js";

export interface HeldWeights {
  readonly buffer: SharedBuffer;
  /** Identifies this content in this process. */
  readonly version: number;
  /** Idempotent. The caller must not read the buffer afterwards. */
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

  /** @param pool its buffers have the size of the flat layout */
  constructor(pool: SharedBufferPool) {
    this.#pool = pool;
  }

  /**
   * @param digest identifies the content
   * @param fetch fills a buffer with the content; called unless the store has the content or fetches it already. When it
   *   fails, all calls that wait for the content reject.
   * @throws the error of `fetch`, or `signal.reason` if the signal is aborted
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
    const existing = this.#entries.get(digest);
    if (existing !== undefined) {
      this.#pool.give(buffer);
      return existing;
    }
    const fetched = fetch(buffer.shared).catch((error: unknown) => {
      // The next call must fetch again. The last waiting call gives the buffer back.
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
