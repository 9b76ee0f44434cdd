// Owns the float32 buffers that sums arrive in and are added in, so that a step allocates nothing once warm.

export class BufferPool {
  readonly #numElements: number;
  readonly #free: Float32Array[] = [];
  #numTaken = 0;

  /** Every buffer has numElements elements. */
  constructor(numElements: number) {
    this.#numElements = numElements;
  }

  /** Buffers that were taken and not given back. */
  get numTaken(): number {
    return this.#numTaken;
  }

  /** The caller's own until it gives it back; what it holds is undefined. */
  take(): Float32Array {
    this.#numTaken += 1;
    return this.#free.pop() ?? new Float32Array(this.#numElements);
  }

  /** The buffer must not be used afterwards. */
  give(buffer: Float32Array): void {
    if (this.#free.includes(buffer)) throw new Error("a buffer was given back twice");
    this.#numTaken -= 1;
    this.#free.push(buffer);
  }
}
