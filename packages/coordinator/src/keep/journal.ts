// Owns a file of JSON lines that is flushed as written: a reader that follows it sees each line at once, and a killed
// process leaves at most one torn line, which the next life cuts off.
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";

export class Journal {
  readonly #file: number;
  #closed = false;

  constructor(path: string) {
    this.#file = openSync(path, "a+");
    cutTornLine(this.#file);
  }

  /** NaN and infinities become null, as JSON has none. */
  append(record: object): void {
    writeSync(this.#file, `${JSON.stringify(record)}\n`);
  }

  /** Durable when it returns. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    fsyncSync(this.#file);
    closeSync(this.#file);
  }
}

function cutTornLine(file: number): void {
  const { size } = fstatSync(file);
  const block = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const length = readSync(file, block, 0, end - start, start);
    const newline = block.lastIndexOf(0x0a, length - 1);
    if (newline >= 0) {
      const keep = start + newline + 1;
      if (keep < size) ftruncateSync(file, keep);
      return;
    }
    end = start;
  }
  if (size > 0) ftruncateSync(file, 0);
}
