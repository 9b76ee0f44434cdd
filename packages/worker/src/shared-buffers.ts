// SharedBufferPool allocates and reuses memory that the main thread and the compute threads share. The caller of take()
// owns the buffer until it calls give(). The content of a buffer is undefined when it is taken.

export interface SharedBuffer {
  /** Identifies the buffer in messages between threads; unique in the process. */
  readonly id: number;
  readonly shared: SharedArrayBuffer;
}

export interface SharedBufferPoolOptions {
  /** Bytes of each buffer. At least 1. */
  readonly bytes: number;
  /** How many buffers may be taken at the same time; further calls of take() wait in order. Infinity: never wait. */
  readonly limit: number;
}

interface Waiter {
  readonly resolve: (buffer: SharedBuffer) => void;
  readonly reject: (reason: unknown) => void;
  readonly signal: AbortSignal;
  readonly onAbort: () => void;
}

let buffersAllocated = 0;

export class SharedBufferPool {
  readonly bytes: number;
  readonly #limit: number;
  readonly #free: SharedBuffer[] = [];
  readonly #taken = new Set<SharedBuffer>();
  readonly #waiters: Waiter[] = [];

  constructor({ bytes, limit }: SharedBufferPoolOptions) {
    this.bytes = bytes;
    this.#limit = limit;
  }

  get numTaken(): number {
    return this.#taken.size;
  }

  /**
   * Waits while `limit` buffers are taken.
   * @throws `signal.reason` if the signal is aborted
   */
  take(signal: AbortSignal): Promise<SharedBuffer> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#taken.size < this.#limit) return Promise.resolve(this.#takeNow());
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal.reason);
      };
      const waiter: Waiter = { resolve, reject, signal, onAbort };
      this.#waiters.push(waiter);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  give(buffer: SharedBuffer): void {
    if (!this.#taken.delete(buffer)) throw new Error(`shared buffer ${buffer.id} was given back, but it is not taken`);
    this.#free.push(buffer);
    const waiter = this.#waiters.shift();
    if (waiter === undefined) return;
    waiter.signal.removeEventListener("abort", waiter.onAbort);
    waiter.resolve(this.#takeNow());
  }

  #takeNow(): SharedBuffer {
    const buffer = this.#free.pop() ?? { id: buffersAllocated++, shared: new SharedArrayBuffer(this.bytes) };
    this.#taken.add(buffer);
    return buffer;
  }
}
