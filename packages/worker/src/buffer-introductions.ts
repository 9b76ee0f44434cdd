// Owns which shared buffers one thread has been told of: a message carries the memory itself only the first time.
import type { SharedBuffer } from "./shared-buffers.js";
import type { BufferRef } from "./thread-messages.js";

/** The sender's side; one for each thread. */
export class BufferIntroductions {
  readonly #known = new Set<number>();

  /** To be sent, and sent in the order of the calls. */
  refTo({ id, shared }: SharedBuffer): BufferRef {
    if (this.#known.has(id)) return { id, shared: null };
    this.#known.add(id);
    return { id, shared };
  }
}

/** The thread's side. */
export class KnownBuffers {
  readonly #known = new Map<number, SharedArrayBuffer>();

  resolve({ id, shared }: BufferRef): SharedArrayBuffer {
    if (shared !== null) this.#known.set(id, shared);
    const buffer = this.#known.get(id);
    if (buffer === undefined) throw new Error(`shared buffer ${id} was never introduced`);
    return buffer;
  }
}
