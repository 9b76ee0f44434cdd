// Reads any part of a file of any size (`withFileSource`) or of memory (`byteSource`) through one interface, `ByteSource`.
import { open } from "node:fs/promises";
import { readAll } from "./write-all.js";

export interface ByteSource {
  readonly sizeBytes: number;
  /** Fills `into` with the bytes that start at `position`. Rejects when the source ends before `into` is full. */
  read(into: Uint8Array, position: number): Promise<void>;
}

/** A source over pieces of memory that follow one another. It reads the pieces in place. */
export function byteSource(pieces: readonly Uint8Array[]): ByteSource {
  const sizeBytes = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return {
    sizeBytes,
    async read(into, position) {
      let start = 0;
      for (const piece of pieces) {
        const [from, to] = [Math.max(position, start), Math.min(position + into.byteLength, start + piece.byteLength)];
        if (from < to) into.set(piece.subarray(from - start, to - start), from - position);
        start += piece.byteLength;
      }
      if (position + into.byteLength > sizeBytes)
        throw new Error(`${sizeBytes} bytes end before ${position + into.byteLength}`);
    },
  };
}

/** Opens the file, calls `use` with it as a source, and closes it afterwards. */
export async function withFileSource<T>(path: string, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const file = await open(path, "r");
  try {
    const { size: sizeBytes } = await file.stat();
    return await use({
      sizeBytes,
      async read(into, position) {
        const bytesRead = await readAll(file, into, position);
        if (bytesRead < into.byteLength) {
          throw new Error(`${path}: has ${position + bytesRead} bytes, ${position + into.byteLength} are needed`);
        }
      },
    });
  } finally {
    await file.close();
  }
}
