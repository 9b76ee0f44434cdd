// Reads any part of a file as a `ByteSource`, whatever the file's size.
import { open } from "node:fs/promises";
import { readAll } from "./write-all.js";

export interface ByteSource {
  readonly sizeBytes: number;
  /** Fills `into` with the bytes from `position` on. Rejects where there are fewer. */
  read(into: Uint8Array, position: number): Promise<void>;
}

/** Of pieces of memory, one after another. */
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

/** Opens the file for `use`, and closes it after. */
export async function withFileSource<T>(path: string, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const file = await open(path, "r");
  try {
    const { size: sizeBytes } = await file.stat();
    return await use({
      sizeBytes,
      async read(into, position) {
        const bytesRead = await readAll(file, into, position);
        if (bytesRead < into.byteLength) {
          throw new Error(
            `${path}: ends after ${position + bytesRead} bytes while ${position + into.byteLength} are needed`,
          );
        }
      },
    });
  } finally {
    await file.close();
  }
}
