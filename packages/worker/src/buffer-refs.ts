// SentBuffers and ReceivedBuffers are the two ends of a thread's buffer references: a message carries the memory of a
// shared buffer only the first time, and its id alone afterwards.
import type { SharedBuffer } from "./shared-buffers.js";
import type { BufferRef } from "./thread-messages.js";

/** The main thread's side; one instance for each thread. */
export class SentBuffers {
  readonly #sentIds = new Set<number>();

  /** The caller must send the references in the order in which it got them. */
  refTo({ id, shared }: SharedBuffer): BufferRef {
    if (this.#sentIds.has(id)) return { id, shared: null };
    this.#sentIds.add(id);
    return { id, shared };
  }
}

/** The side of the compute or loader thread. */
export class ReceivedBuffers {
  readonly #byId = new Map<number, SharedArrayBuffer>();

  resolve({ id, shared }: BufferRef): SharedArrayBuffer {
    if (shared !== null) this.#byId.set(id, shared);
    const buffer = this.#byId.get(id);
    if (buffer === undefined) throw new Error(`shared buffer ${id}: no earlier message carried its memory`);
    return buffer;
  }
}
