// Keeps float32 buffers for sums: `BufferPool`. After the first steps a step allocates no buffer.

export class BufferPool {
  readonly #numElements: number;
  readonly #free: Float32Array[] = [];
  #numTaken = 0;

  /** @param numElements of each buffer */
  constructor(numElements: number) {
    this.#numElements = numElements;
  }

  /** Number of buffers that were taken and not given back. */
  get numTaken(): number {
    return this.#numTaken;
  }

  /** The caller owns the buffer until it gives it back. Its content is undefined. */
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
